from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
import yaml
from geo3d_recon.bench.held_out import HELD_OUT, VALIDATION
from geo3d_recon.learned.ask import ask, ask_in_turn, passes
from geo3d_recon.learned.fit import FitConfig, fit, load_clouds
from geo3d_recon.learned.graph import Surroundings, build_graph, join_graphs, point_cues
from geo3d_recon.learned.prepare import PrepareConfig, make_cloud, prepare, shapes_of
from geo3d_recon.learned.procedural import random_solid
from geo3d_recon.learned.task import train
from geo3d_recon.learned.weights import load_net
from geo3d_recon.nn.surface_net import SurfaceNet, SurfaceNetConfig, winding_number
from geo3d_recon.winding import WindingTree
from recon_shapes import ball, torus
from safetensors import safe_open

from geo3d.errors import Geo3DError
from geo3d.nn.edge_conv import EdgeConv, neighbour_edges
from geo3d.nn.edge_conv_pyg import message_passing
from geo3d.types import TriangleMesh

SMALL = SurfaceNetConfig(width=8, neighbours=6, query_neighbours=5, heads=2)


def rotation(seed):
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return q * np.sign(np.linalg.det(q))


def net(seed=0):
    torch.manual_seed(seed)
    return SurfaceNet(SMALL).double().eval()


def graph_of(points, normals):
    cues = point_cues(Surroundings.of(points, 0.04), normals * 0.04**2, 0.04)
    graph = build_graph(points, cues, 0.04, SMALL.neighbours)
    plain = ("points", "normals", "axes", "area", "node")
    return graph._replace(**{name: getattr(graph, name).double() for name in plain})


def test_edge_convolution_matches_its_formula():
    torch.manual_seed(0)
    layer = EdgeConv(4, 3)
    x, neighbours, pair = torch.rand(5, 4), torch.randint(5, (5, 3)), torch.rand(15, 3)
    out = layer(x, neighbour_edges(neighbours), pair)
    for i in range(5):
        m = [
            (layer.from_self(x[i]) + layer.from_other(x[j]) + layer.from_pair(pair[3 * i + s])).relu()
            for s, j in enumerate(neighbours[i])
        ]
        m = torch.stack(m)
        truth = x[i] + layer.update_node(torch.cat([x[i], m.mean(0), m.amax(0)]))
        torch.testing.assert_close(out[i], truth)
    # In PyTorch Geometric, with the edges in any order.
    edges, order = neighbour_edges(neighbours), torch.randperm(15)
    torch.testing.assert_close(message_passing(layer)(x, edges[:, order], pair[order]), out)


def test_the_field_does_not_depend_on_the_frame():
    """Encoded features are invariant and normals turn with the cloud (the coarse cells are given, not recomputed)."""
    p, n = torus(300)
    R = torch.from_numpy(rotation(1))
    a = graph_of(p, n)
    b = a._replace(points=a.points @ R.T + 3, normals=a.normals @ R.T, axes=a.axes @ R.T)
    model = net()
    ea, eb = model.encode(a), model.encode(b)
    torch.testing.assert_close(ea.features, eb.features, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(ea.normals @ R.T, eb.normals, atol=1e-6, rtol=1e-6)
    q = a.points[:20] + 0.3
    near = torch.cdist(q, a.points).topk(5, largest=False).indices
    w = torch.zeros(20, dtype=torch.float64)
    da = model.query(ea, a, q, near, w)
    db = model.query(eb, b, q @ R.T + 3, near, w)
    torch.testing.assert_close(da, db, atol=1e-6, rtol=1e-6)


def test_joined_clouds_do_not_see_each_other():
    a, b = graph_of(*torus(200)), graph_of(*ball(150))
    model = net()
    both, starts = join_graphs([a, b])
    assert starts == [0, 200]
    torch.testing.assert_close(model.encode(both).features[200:], model.encode(b).features)


def test_procedural_solids_are_watertight_and_in_the_unit_box():
    for seed in range(6):
        solid = random_solid(np.random.default_rng(seed))
        assert solid.is_watertight
        assert np.ptp(solid.vertices, axis=0).max() == pytest.approx(1)


def test_true_distances_of_a_prepared_ball():
    t = trimesh.creation.icosphere(subdivisions=4, radius=0.5)
    solid = TriangleMesh(t.vertices, t.faces)
    config = PrepareConfig(Path(), points=(600, 601), queries=200)
    cloud = make_cloud(solid, config, np.random.default_rng(0))
    # The spacing is the unit: the ball's radius is half its longest side.
    h = 0.5 / np.median(np.linalg.norm(cloud["points"], axis=1))
    truth = np.linalg.norm(cloud["queries"], axis=1) - 0.5 / h
    close = np.abs(truth) < 2.5
    np.testing.assert_allclose(cloud["distance"][close], truth[close], atol=0.12)
    outward = cloud["points"] / np.linalg.norm(cloud["points"], axis=1, keepdims=True)
    for name in ("point_normal", "normals"):
        assert ((outward * cloud[name]).sum(1) > 0.9).mean() > 0.95


def test_two_step_training_runs_resumes_and_exports_weights_that_load(tmp_path):
    shapes = tmp_path / "shapes"
    shapes.mkdir()
    random_solid(np.random.default_rng(3)).to_trimesh().export(shapes / "thing.ply")
    prepare(PrepareConfig(shapes, clouds=4, points=(200, 300), queries=64), tmp_path / "clouds.safetensors")
    assert len(load_clouds([tmp_path / "clouds.safetensors"], SMALL)) > 0
    config = FitConfig(steps=3, batch=2, queries=16, check=2, net=SMALL)
    weights = fit(config, [tmp_path / "clouds.safetensors"], tmp_path, [tmp_path / "clouds.safetensors"])
    logged = (tmp_path / "log" / "version_0" / "metrics.csv").read_text()
    assert "val_flipped" in logged.splitlines()[0]
    loaded = load_net(weights)
    assert loaded.config == SMALL
    assert fit(replace(config, steps=5), [tmp_path / "clouds.safetensors"], tmp_path) == weights
    with safe_open(weights, "pt") as file:
        assert file.metadata()["steps"] == "5"
    with pytest.raises(Geo3DError, match="run the prepare step"):
        fit(config, [tmp_path / "missing"], tmp_path)


def test_validation_shapes_and_other_terms_are_not_trained_on(tmp_path):
    for name in ("spider", "teapot", "thing", "thong", "other"):
        (tmp_path / f"{name}.ply").touch()
    (tmp_path / "inventory_train.csv").write_text("name,repo\nthing,free/things\nthong,free/things\nother,closed\n")
    config = PrepareConfig(tmp_path)
    assert [p.stem for p in shapes_of(config)] == ["other", "thing", "thong"]
    assert [p.stem for p in shapes_of(replace(config, repositories=("free/things",), without=("tho",)))] == ["thing"]
    assert [p.stem for p in shapes_of(replace(config, validation=True))] == ["spider"]
    assert not VALIDATION & HELD_OUT


def test_the_dense_winding_number_is_that_of_the_tree():
    p, n = torus(400)
    q = np.random.default_rng(0).uniform(-1, 1, (50, 3))
    dense = winding_number(*(torch.from_numpy(a) for a in (p, n * 0.01, q)), 0.05)
    np.testing.assert_allclose(dense, WindingTree.build(p).field(n * 0.01, q, 0.05), atol=0.02)


def test_unknown_settings_are_errors(tmp_path):
    with pytest.raises(Geo3DError, match="unknown sections"):
        train({"prepares": {}}, tmp_path)
    with pytest.raises(Geo3DError, match="does not fit"):
        train({"fit": {"stepz": 1}}, tmp_path)


def test_the_shipped_configuration_is_valid():
    settings = yaml.safe_load((Path(__file__).parents[2] / "configs" / "mesh_surface_net.yaml").read_text())
    assert settings["task"] == "surface_net"
    PrepareConfig(**{**settings["prepare"], "shapes": Path()})
    FitConfig(**settings["fit"], net=SurfaceNetConfig(**settings["net"]))


def test_later_turns_give_normals_and_the_sides_of_the_given_ones():
    p, n = torus(700)
    wrong = n * np.where(np.random.default_rng(0).random((len(n), 1)) < 0.05, -1, 1)
    model, moments = load_net(), wrong * 0.03**2
    _, encoded, last = ask_in_turn(model, p, moments, 0.03)
    _, _, once = ask(model, p, moments, 0.03)
    _, second, twice = ask(model, p, once, 0.03)
    assert passes(len(p)) == 2
    torch.testing.assert_close(encoded.normals, second.normals)
    np.testing.assert_allclose(last, twice)
    turned = np.where(np.einsum("nc,nc->n", moments, twice)[:, None] < 0, -moments, moments)
    graph, features, _ = ask(model, p, turned, 0.03)
    torch.testing.assert_close(encoded.features, features.features)
    assert ((graph.normals.numpy() * n).sum(1) > 0).mean() > 0.98


def test_few_samples_are_asked_about_once():
    p, n = torus(300)
    _, encoded, last = ask_in_turn(load_net(), p, n * 0.05**2, 0.05)
    _, once, moments = ask(load_net(), p, n * 0.05**2, 0.05)
    torch.testing.assert_close(encoded.normals, once.normals)
    np.testing.assert_allclose(last, moments)
