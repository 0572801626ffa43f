import json

import numpy as np
import pytest
import trimesh
from geo3d_recon.commands.reconstruct import reconstruct as command
from geo3d_recon.fill import fill_holes
from geo3d_recon.fill.holes import find_holes
from geo3d_recon.fill.patch import ring_patch

from geo3d.errors import Geo3DError
from geo3d.io import read_mesh, write_mesh
from geo3d.types import TriangleMesh


def ball_with_hole(angle, subdivisions=4):
    t = trimesh.creation.icosphere(subdivisions=subdivisions, radius=1.0)
    keep = t.triangles_center[:, 2] < np.cos(angle)
    return TriangleMesh(t.vertices, t.faces[keep])


def used(mesh):
    index, faces = np.unique(mesh.faces, return_inverse=True)
    return TriangleMesh(mesh.vertices[index], faces.reshape(-1, 3))


def test_a_closed_mesh_has_no_holes_and_stays_as_it_is():
    t = trimesh.creation.icosphere(subdivisions=2)
    mesh = TriangleMesh(t.vertices, t.faces)
    assert find_holes(mesh) == []
    result = fill_holes(mesh)
    np.testing.assert_array_equal(result.mesh.faces, mesh.faces)
    assert (result.loops, result.filled, result.area) == (0, 0, 0.0)


def test_a_hole_in_a_ball_is_found_and_its_cap_is_not_a_hole():
    ball = ball_with_hole(0.3)
    (hole,) = find_holes(ball)
    assert hole.surrounded
    assert hole.radius == pytest.approx(np.sin(0.3), abs=0.06)
    assert hole.normal[2] > 0.99
    t = trimesh.creation.icosphere(subdivisions=4, radius=1.0)
    cap = used(TriangleMesh(t.vertices, t.faces[t.triangles_center[:, 2] > np.cos(0.3)]))
    (rim,) = find_holes(cap)
    assert not rim.surrounded
    assert fill_holes(cap, largest=1).filled == 0


def test_a_patch_fits_its_loop_and_faces_up():
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    rim = np.c_[np.cos(angle), np.sin(angle), 0 * angle]
    new, faces = ring_patch(rim, np.zeros(3))
    both = np.concatenate([rim, new])
    cross = np.cross(both[faces[:, 1]] - both[faces[:, 0]], both[faces[:, 2]] - both[faces[:, 0]])
    assert (cross[:, 2] > 0).all()
    assert cross[:, 2].sum() / 2 == pytest.approx(40 / 2 * np.sin(2 * np.pi / 40))
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    _, count = np.unique(edges, axis=0, return_counts=True)
    assert (count == 1).sum() == 40
    assert count.max() == 2


@pytest.mark.parametrize("angle", [0.12, 0.35])
def test_filling_closes_the_ball_near_its_surface(angle):
    """The larger hole follows the learned surface: its middle is nearer to the ball than a flat lid is."""
    ball = ball_with_hole(angle)
    result = fill_holes(ball, largest=0.3)
    assert (result.loops, result.surrounded, result.filled) == (1, 1, 1)
    assert used(result.mesh).is_watertight
    new = result.mesh.vertices[len(ball.vertices) :]
    radius = np.linalg.norm(new, axis=1)
    assert radius.max() < 1.03
    assert radius.min() > np.cos(angle) - 0.01
    if angle == 0.35:
        top = new[np.argmin(np.hypot(new[:, 0], new[:, 1]))]
        assert np.linalg.norm(top) > np.cos(angle) + 0.3 * (1 - np.cos(angle))
    assert (result.mesh.attributes["confidence"][-len(new) :] == 0).all()
    np.testing.assert_array_equal(result.mesh.vertices[: len(ball.vertices)], ball.vertices)


def test_large_holes_and_bad_limits():
    assert fill_holes(ball_with_hole(0.6)).filled == 0
    with pytest.raises(Geo3DError, match="largest"):
        fill_holes(ball_with_hole(0.3), largest=0)
    with pytest.raises(Geo3DError, match="no faces"):
        fill_holes(TriangleMesh(np.zeros((0, 3)), np.zeros((0, 3), np.int32)))


def test_the_command_takes_a_scan_folder_and_keeps_colours(tmp_path, capsys):
    ball = ball_with_hole(0.15, 3)
    colors = np.full(ball.vertices.shape, 90, np.uint8)
    write_mesh(tmp_path / "mesh.ply", TriangleMesh(ball.vertices, ball.faces, colors))
    command(tmp_path, out=tmp_path / "filled.ply", fill_holes=True, json=True)
    answer = json.loads(capsys.readouterr().out)
    filled = read_mesh(tmp_path / "filled.ply")
    assert answer["filled"] == 1
    assert answer["faces"] == len(filled.faces) > len(ball.faces)
    assert (filled.vertex_colors == 90).all()
