import numpy as np
import pytest
import torch
from geo3d_recon import reconstruct
from geo3d_recon.methods import METHODS
from geo3d_recon.samples import Samples
from recon_shapes import ball, torus, torus_distance

from geo3d.errors import Geo3DError, ReconstructionError
from geo3d.types import PointCloud

POINTS, NORMALS = torus(1000)


@pytest.mark.parametrize("method", [m for m in METHODS if m != "sheet"])
def test_every_method_makes_a_closed_torus_of_bare_points(method):
    result = reconstruct(POINTS, method=method)
    assert result.watertight
    assert not result.open_scan
    assert result.mesh.to_trimesh().euler_number == 0
    assert np.abs(torus_distance(result.mesh.vertices)).mean() < 0.01
    assert result.mesh.to_trimesh().volume > 0


def test_unit_and_offset_do_not_matter():
    a = reconstruct(POINTS)
    b = reconstruct(POINTS * 1e3 + [5e5, 4e6, 100])
    assert b.watertight
    np.testing.assert_allclose(np.ptp(b.mesh.vertices, axis=0), np.ptp(a.mesh.vertices, axis=0) * 1e3, rtol=0.02)
    distance = torus_distance((b.mesh.vertices - [5e5, 4e6, 100]) / 1e3)
    assert np.abs(distance).mean() < 0.01


def test_colours_are_carried_over():
    colors = np.where(POINTS[:, :1] > 0, [[255, 0, 0]], [[0, 0, 255]]).astype(np.uint8)
    mesh = reconstruct(PointCloud(POINTS, colors)).mesh
    right = mesh.vertices[:, 0] > 0.08
    assert (mesh.vertex_colors[right, 0] == 255).mean() > 0.99


def test_bad_points_are_dropped_and_counted():
    p = np.concatenate([POINTS, np.full((3, 3), np.nan), [[np.inf, 0, 0]], POINTS[:10]])
    result = reconstruct(p)
    assert result.dropped == 4
    assert result.used == 1000
    assert result.watertight


def test_integers_tensors_and_faces():
    result = reconstruct(torch.from_numpy(np.rint(POINTS * 1000).astype(np.int32)), faces=500)
    assert result.watertight
    assert len(result.mesh.faces) <= 520


def test_the_same_twice():
    a, b = reconstruct(POINTS[:300]), reconstruct(POINTS[:300])
    np.testing.assert_array_equal(a.mesh.vertices, b.mesh.vertices)
    np.testing.assert_array_equal(a.mesh.faces, b.mesh.faces)


@pytest.mark.parametrize("method", ["wnnc", "poisson"])
def test_a_one_sided_scan_stays_open_unless_told_otherwise(method):
    p, n = ball(2000)
    front = p[p[:, 2] > -0.05]
    result = reconstruct(PointCloud(front, normals=n[p[:, 2] > -0.05].astype(np.float32)), method=method)
    assert result.open_scan
    assert not result.watertight
    assert result.mesh.vertices[:, 2].min() > -0.2
    assert reconstruct(front, method=method, watertight="yes").watertight


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.zeros((0, 3)), "the cloud is empty"),
        (np.full((9, 3), np.nan), "all 9 points are NaN"),
        (POINTS[:7], "from 7 distinct points; at least 20"),
        (np.tile(POINTS[:7], (99, 1)), "from 7 distinct points"),
        (POINTS * [1, 1, 0], "lie in one plane"),
        (POINTS * [1, 0, 0], "lie in one line"),
    ],
)
def test_hopeless_input_is_one_clear_sentence(points, message):
    with pytest.raises(ReconstructionError, match=message):
        reconstruct(points)


def test_averaging_keeps_the_surface_the_colours_and_the_normals():
    p, n = ball(20000)
    noisy = p + np.random.default_rng(1).normal(size=p.shape) * 0.01
    cloud = PointCloud(noisy, colors=np.full(p.shape, 7, np.uint8), normals=n.astype(np.float32))
    few = Samples.of(cloud).averaged(1500)
    assert 700 < len(few.points) <= 1500
    radius = np.linalg.norm(few.points - few.points.mean(0), axis=1) * few.scale
    assert np.abs(radius - 0.5).mean() < 0.01
    np.testing.assert_allclose(np.linalg.norm(few.normals, axis=1), 1, atol=1e-6)
    assert (few.colors == 7).all()
    whole = Samples.of(cloud)
    assert whole.averaged(20000) is whole


def test_unknown_words():
    with pytest.raises(Geo3DError, match="known: "):
        reconstruct(POINTS, method="magic")
    with pytest.raises(Geo3DError, match="auto, yes or no"):
        reconstruct(POINTS, watertight="maybe")
    with pytest.raises(Geo3DError, match="at least 4"):
        reconstruct(POINTS, faces=1)
