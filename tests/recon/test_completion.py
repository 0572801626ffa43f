import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import open3d as o3d
import pytest
import torch
import trimesh
import yaml
from geo3d_recon.commands.reconstruct import reconstruct as command
from geo3d_recon.completion import complete
from geo3d_recon.completion.fit import CompletionFitConfig, fit
from geo3d_recon.completion.grid import CELL, NEAR, SIDE, SPAN, cell_centers, distance_to, from_patches, to_patches
from geo3d_recon.completion.imagine import imagine, unseen_points
from geo3d_recon.completion.prepare import make_view, prepare, read_views
from geo3d_recon.completion.task import train
from geo3d_recon.completion.views import one_sided
from geo3d_recon.completion.weights import BUNDLED, load_completion_net
from geo3d_recon.learned.prepare import PrepareConfig
from geo3d_recon.learned.procedural import random_solid
from geo3d_recon.nn.completion_net import CompletionNet, CompletionNetConfig
from geo3d_recon.samples import Samples
from recon_shapes import ball

from geo3d.errors import Geo3DError
from geo3d.io import read_mesh
from geo3d.types import TriangleMesh

SMALL = CompletionNetConfig(width=16, depth=1, heads=2, latent=6)


def half_ball(n=500):
    p, _ = ball(2 * n)
    return p[p[:, 2] > 0]


def test_patches_are_blocks_of_the_grid_and_come_back():
    grid = np.arange(2 * SIDE**3).reshape(2, SIDE, SIDE, SIDE)
    patches = to_patches(grid)
    assert patches.shape == (2, 216, 125)
    np.testing.assert_array_equal(patches[1, 0].reshape(5, 5, 5), grid[1, :5, :5, :5])
    np.testing.assert_array_equal(patches[0, 7].reshape(5, 5, 5), grid[0, :5, 5:10, 5:10])
    np.testing.assert_array_equal(from_patches(patches), grid)


def test_the_principal_components_decode_what_they_encode():
    net = CompletionNet(SMALL)
    basis, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(125, 6)))
    net.basis.copy_(torch.from_numpy(basis.T.astype(np.float32)))
    net.scale.copy_(torch.arange(1, 7))
    z = torch.randn(3, 6)
    torch.testing.assert_close(net.encode(net.decode(z)), z, atol=1e-5, rtol=1e-5)


def test_one_sided_sees_the_near_side_of_a_ball():
    t = trimesh.creation.icosphere(subdivisions=4, radius=0.5)
    p = one_sided(TriangleMesh(t.vertices, t.faces), np.array([0, 0, 2.0]), 400, 0)
    assert len(p) == 400
    np.testing.assert_allclose(np.linalg.norm(p, axis=1), 0.5, atol=2e-3)
    # From 2.5 diameters away all but what lies beyond the tangents is seen.
    assert p[:, 2].min() > 0.5**2 / 2.5 - 0.01


def test_prepared_distances_are_those_of_the_shape():
    t = trimesh.creation.icosphere(subdivisions=4, radius=3.0)
    config = PrepareConfig(Path(), points=(900, 901))
    for i in range(20):
        rng = np.random.default_rng(i)
        seen, whole = make_view(TriangleMesh(t.vertices + 7, t.faces), config, rng)
        inside = (whole < 127).mean() * SPAN**3
        # A view whose box is the ball's: a half-seen ball's box is the ball's across.
        if abs(inside - np.pi / 6) < 0.03:
            break
    else:
        pytest.fail("no view had the ball's own size")
    assert seen.shape == whole.shape == (SIDE, SIDE, SIDE)
    assert seen.min() < 40
    assert whole[0, 0, 0] == 255


def test_imagined_fields_vanish_at_the_points_and_differ_by_seed():
    p = Samples.of(half_ball()).points
    a, b = imagine(p, 2, seed=3), imagine(p, 1, seed=3)
    np.testing.assert_allclose(a[0], b[0], atol=1e-4)
    assert np.abs(a[0] - a[1]).max() > 0.02
    assert np.abs(imagine(p, 1, seed=4) - b).max() > 0.02
    at = tuple(np.rint((p + SPAN / 2) / CELL - 0.5).astype(int).T)
    assert np.abs(a[0][at]).mean() < CELL
    assert (a[0] > 0.9 * NEAR).mean() > 0.3


def test_points_are_added_only_where_none_are():
    p = Samples.of(half_ball(1500)).points
    whole = (np.linalg.norm(cell_centers() + [0, 0, 0.25], axis=1) - 0.5).clip(-NEAR, NEAR).reshape(SIDE, SIDE, SIDE)
    added = unseen_points(whole, p, 0)
    # The half-ball's box is centred half a radius above the ball's middle.
    np.testing.assert_allclose(np.linalg.norm(added + [0, 0, 0.25], axis=1), 0.5, atol=0.02)
    assert added[:, 2].max() < -0.2
    assert 1000 < len(added) < 2000
    assert distance_to(added).min() < 0.05


def test_meshes_are_closed_differ_pass_through_the_points_and_repeat():
    p = half_ball(250) * 40 + [100, 0, 0]
    first = complete(p, 2, seed=1)
    assert [r.method for r in first] == ["completion"] * 2
    for r in first:
        assert r.watertight
        scene = o3d.t.geometry.RaycastingScene()
        scene.add_triangles(r.mesh.vertices.astype(np.float32), r.mesh.faces.astype(np.uint32))
        distance = scene.compute_distance(p.astype(np.float32)).numpy()
        assert (distance < 0.015 * 40).mean() > 0.98
        low = r.mesh.attributes["confidence"][r.mesh.vertices[:, 2] < -10]
        assert low.max(initial=0) < 0.1
    assert first[0].mesh.vertices.shape != first[1].mesh.vertices.shape
    again = complete(p, 1, seed=1)[0]
    np.testing.assert_array_equal(again.mesh.faces.shape, first[0].mesh.faces.shape)
    np.testing.assert_allclose(again.mesh.vertices, first[0].mesh.vertices, atol=1e-3)


def test_the_command_numbers_its_meshes(tmp_path, capsys):
    np.save(tmp_path / "p.npy", half_ball(150))
    command(tmp_path / "p.npy", out=tmp_path / "m.ply", samples=2, seed=5, faces=800, json=True)
    answer = json.loads(capsys.readouterr().out)
    assert [Path(m["path"]).name for m in answer["meshes"]] == ["m-1.ply", "m-2.ply"]
    assert answer["seed"] == 5
    for m in answer["meshes"]:
        assert len(read_mesh(m["path"]).faces) == m["faces"]
    assert not (tmp_path / "m.ply").exists()


def test_what_cannot_be_drawn_is_said(tmp_path):
    with pytest.raises(Geo3DError, match="1 to 64"):
        complete(half_ball(), 0)
    with pytest.raises(Geo3DError, match="not be negative"):
        complete(half_ball(), 1, seed=-1)
    np.save(tmp_path / "p.npy", half_ball(100))
    with pytest.raises(Geo3DError, match="leave --method"):
        command(tmp_path / "p.npy", out=tmp_path / "m.ply", samples=2, method="poisson")
    with pytest.raises(Geo3DError, match="cannot be read"):
        load_completion_net(tmp_path / "none.safetensors")


def test_training_runs_resumes_and_exports_weights_that_load(tmp_path):
    shapes = tmp_path / "shapes"
    shapes.mkdir()
    random_solid(np.random.default_rng(3)).to_trimesh().export(shapes / "thing.ply")
    views = tmp_path / "views.safetensors"
    prepare(PrepareConfig(shapes, clouds=6, points=(200, 300)), views)
    seen, whole = read_views(views)
    assert len(seen) == len(whole) > 2
    config = CompletionFitConfig(steps=2, batch=2, check=2, net=SMALL)
    weights = fit(config, views, tmp_path, views)
    assert "val_loss_0.5" in (tmp_path / "log" / "version_0" / "metrics.csv").read_text().splitlines()[0]
    assert fit(replace(config, steps=3), views, tmp_path) == weights
    net = load_completion_net(weights)
    assert net.config == SMALL
    torch.testing.assert_close(net.basis @ net.basis.T, torch.eye(6), atol=0.02, rtol=0.02)
    with pytest.raises(Geo3DError, match="unknown sections"):
        train({"prepares": {}}, tmp_path)


def test_the_shipped_configuration_and_weights_are_valid():
    settings = yaml.safe_load((Path(__file__).parents[2] / "configs" / "mesh_completion_net.yaml").read_text())
    assert settings["task"] == "completion_net"
    net = CompletionNetConfig(**settings["net"])
    CompletionFitConfig(**settings["fit"], net=net)
    assert BUNDLED.stat().st_size < 2_000_000
    assert load_completion_net().config == net
