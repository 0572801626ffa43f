import numpy as np
import pytest
from geo3d_recon.bench.metrics import sample_surface
from geo3d_recon.methods.sheet import sheet
from geo3d_recon.reconstruct import reconstruct
from geo3d_recon.samples import Samples
from geo3d_recon.support import share_met
from PIL import Image
from scipy.spatial import cKDTree

from geo3d.types import TriangleMesh


def depth_frame(step=6):
    """What a camera at the origin sees of a wall, and of a ball before it: two pieces with a jump between."""
    v, u = np.mgrid[-240:240:step, -320:320:step]
    ray = np.stack([u / 600, v / 600, np.ones(u.shape)], -1).reshape(-1, 3)
    center, radius = np.array([0.1, 0.0, 1.5]), 0.3
    b, a = ray @ center, (ray**2).sum(1)
    root = b**2 - a * (center @ center - radius**2)
    depth = np.where(root > 0, (b - np.sqrt(root.clip(0))) / a, 2.0)
    return ray * depth[:, None]


def test_a_depth_frame_becomes_an_open_surface_near_all_its_samples():
    p = depth_frame()
    p = p + np.random.default_rng(0).normal(size=p.shape) * 0.001
    samples = Samples.of(p)
    mesh = sheet(samples)
    assert not mesh.is_watertight
    assert share_met(mesh, samples.points) > 0.98
    # Nothing is put where nothing was seen: the surface is on the wall, or on the front of the ball.
    v = samples.to_input(mesh).vertices
    on_wall = np.abs(v[:, 2] - 2) < 0.01
    on_ball = np.abs(np.linalg.norm(v - [0.1, 0, 1.5], axis=1) - 0.3) < 0.01
    assert (on_wall | on_ball).mean() > 0.99


def test_smoothing_brings_the_samples_nearer_to_the_plane():
    rng = np.random.default_rng(0)
    p = np.c_[rng.uniform(size=(3000, 2)), rng.normal(size=3000) * 0.004]
    assert sheet(Samples.of(p)).vertices[:, 2].std() < 0.002


@pytest.mark.parametrize("watertight", ["auto", "yes"])
def test_auto_takes_the_sheet_where_an_inside_cannot_be_told(watertight):
    result = reconstruct(depth_frame(10), method="wnnc", watertight=watertight)
    if watertight == "yes":
        assert result.watertight
    else:
        assert result.open_scan
        assert share_met(result.mesh, depth_frame(10)) > 0.95


def test_a_surface_meets_only_the_samples_that_are_near():
    square = TriangleMesh(np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0.0]]), np.array([[0, 1, 2], [1, 3, 2]]))
    g = np.linspace(0, 1, 20)
    x, y = (a.ravel() for a in np.meshgrid(g, g))
    both = np.concatenate([np.c_[x, y, 0 * x], np.c_[x, y, 0 * x + 1]])
    assert share_met(square, both) == pytest.approx(0.5)


@pytest.mark.slow
def test_a_real_depth_frame_is_met_and_nothing_is_made_up(shared_data):
    folder = shared_data / "reg" / "box_desk"
    K = np.loadtxt(folder / "intrinsics.txt")
    depth = np.asarray(Image.open(folder / "frame-000047.depth.png"))[::3, ::3] / 1000.0
    v, u = np.nonzero(depth)
    z = depth[v, u]
    p = np.stack([(3 * u - K[0, 2]) / K[0, 0] * z, (3 * v - K[1, 2]) / K[1, 1] * z, z], -1)
    size = np.ptp(p, axis=0).max()
    mesh = reconstruct(p).mesh
    on_surface, _ = sample_surface(mesh, 20_000, 0)
    assert (cKDTree(p).query(on_surface)[0] < 0.03 * size).mean() > 0.95
    dense, _ = sample_surface(mesh, 400_000, 1)
    assert (cKDTree(dense).query(p)[0] < 0.01 * size).mean() > 0.98
