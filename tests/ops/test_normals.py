import numpy as np
import pytest
import torch

from geo3d.errors import ShapeError
from geo3d.ops import estimate_normals, normals_from_depth
from geo3d.types import PinholeCamera

CAMERA = PinholeCamera(40, 30, 50.0, 50.0, 19.5, 14.5)


def tilted_plane(normal, distance):
    """Depth of the plane n·p = −distance: z = −distance / (n · ray)."""
    u, v = np.meshgrid(np.arange(40.0), np.arange(30.0))
    ray = np.stack([(u - 19.5) / 50, (v - 14.5) / 50, np.ones_like(u)], -1)
    return -distance / (ray @ normal)


def test_plane_depth_has_the_planes_normal_everywhere():
    n = np.array([0.3, -0.2, -1.0])
    n /= np.linalg.norm(n)
    depth = tilted_plane(n, 2.0)
    for d in (depth, torch.from_numpy(depth)):
        out = normals_from_depth(d, CAMERA)
        np.testing.assert_allclose(np.asarray(out).reshape(-1, 3), np.tile(n, (1200, 1)), atol=1e-9)


def test_depth_step_does_not_bend_the_normals():
    depth = np.full((30, 40), 2.0)
    depth[:, 20:] = 3.0
    depth[3, 3] = 0
    out = normals_from_depth(depth, CAMERA)
    assert (out[3, 3] == 0).all()
    out = np.delete(out.reshape(-1, 3), 3 * 40 + 3, axis=0)
    np.testing.assert_allclose(out, np.tile([0, 0, -1.0], (1199, 1)), atol=1e-9)


def test_sphere_normals_point_to_the_viewer():
    rng = np.random.default_rng(0)
    n = rng.normal(size=(4000, 3))
    n /= np.linalg.norm(n, axis=1, keepdims=True)
    out = estimate_normals(n + 1000.0, 12, viewpoint=np.full(3, 1000.0))
    assert ((out * n).sum(1) < -0.98).all()
    tensor = estimate_normals(torch.from_numpy(n).float(), 12, viewpoint=n * 3)
    assert tensor.dtype == torch.float32
    assert ((tensor.numpy() * n).sum(1) > 0.98).all()


def test_sign_without_viewpoint_is_reproducible_and_duplicates_give_zero():
    p = np.random.default_rng(1).uniform(size=(100, 3)) * [1, 1, 0]
    np.testing.assert_allclose(estimate_normals(p), np.tile([0, 0, 1.0], (100, 1)), atol=1e-9)
    assert (estimate_normals(np.ones((5, 3)), 4) == 0).all()


def test_too_few_points():
    with pytest.raises(ShapeError, match="at least 3"):
        estimate_normals(np.zeros((2, 3)))
