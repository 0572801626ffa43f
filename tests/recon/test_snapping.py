import numpy as np
import pytest
from geo3d_recon.intersections import intersecting_edges
from geo3d_recon.marching import marching_tetrahedra
from geo3d_recon.snapping import _LINK, _once_around
from hypothesis import given, settings
from hypothesis import strategies as st
from recon_shapes import torus_distance


def torus_grid(n=60, size=1.2):
    axis = np.linspace(-size / 2, size / 2, n)
    points = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1)
    return torus_distance(points.reshape(-1, 3)).reshape(n, n, n), points[0, 0, 0], axis[1] - axis[0]


def test_the_same_torus_of_a_quarter_fewer_faces_and_rounder_ones():
    plain, merged = (marching_tetrahedra(*torus_grid(), snap=snap) for snap in (False, True))
    assert merged.is_watertight
    assert merged.to_trimesh().euler_number == 0
    assert len(merged.faces) < 0.75 * len(plain.faces)
    assert merged.to_trimesh().volume == pytest.approx(plain.to_trimesh().volume, rel=1e-3)
    assert np.abs(torus_distance(merged.vertices)).max() < 0.05 * torus_grid()[2]
    smallest = [np.quantile(np.sort(m.to_trimesh().face_angles, axis=1)[:, 0], 0.05) for m in (plain, merged)]
    assert smallest[1] > 1.5 * smallest[0]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-1, 1))
def test_any_field_gives_a_closed_manifold_without_self_intersections(seed, bias):
    values = np.random.default_rng(seed).normal(size=(7, 6, 8)) + bias
    values = np.pad(values[1:-1, 1:-1, 1:-1], 1, constant_values=1.0)
    mesh = marching_tetrahedra(values, np.zeros(3), 1.0, snap=True)
    if len(mesh.faces):
        assert mesh.is_watertight
        o3d_mesh = mesh.to_open3d()
        assert o3d_mesh.is_edge_manifold()
        assert o3d_mesh.is_vertex_manifold()
        assert not o3d_mesh.is_self_intersecting()
        assert intersecting_edges(mesh) == 0
        assert mesh.to_trimesh().euler_number == marching_tetrahedra(values, np.zeros(3), 1.0).to_trimesh().euler_number


def test_a_plane_stays_exact_and_the_border_of_the_grid_open():
    points = np.stack(np.meshgrid(*[np.arange(8.0)] * 3, indexing="ij"), -1)
    mesh = marching_tetrahedra(points @ [0.3, 0.5, 1.0] - 4.25, np.zeros(3), 1.0, snap=True)
    np.testing.assert_allclose(mesh.vertices @ [0.3, 0.5, 1.0], 4.25, atol=1e-9)
    assert not mesh.is_watertight
    assert mesh.to_trimesh().area == pytest.approx(
        marching_tetrahedra(points @ [0.3, 0.5, 1.0] - 4.25, np.zeros(3), 1.0).to_trimesh().area, rel=1e-9
    )


def test_the_table_of_neighbours_names_sets_that_lie_on_one_side():
    once = _once_around()
    bit = {tuple(d): 1 << i for i, d in enumerate(_LINK)}
    assert not once[[0, -1]].any()
    assert once[[bit[1, 0, 0], bit[1, 0, 0] | bit[1, 1, 0]]].all()
    assert not once[bit[1, 0, 0] | bit[-1, 0, 0]]  # opposite neighbours: the surface passes twice
