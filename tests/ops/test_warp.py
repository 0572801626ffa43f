import numpy as np
import pytest
import torch

from geo3d.errors import ShapeError
from geo3d.ops import backward_flow, sample_bilinear, splat, visible, warp
from geo3d.types import PinholeCamera

CAMERA = PinholeCamera(64, 48, 60.0, 60.0, 31.5, 23.5)


def shift(x=0.0, y=0.0, z=0.0):
    T = np.eye(4)
    T[:3, 3] = [x, y, z]
    return T


def test_sideways_motion_before_a_plane_is_a_constant_flow():
    """A plane at depth Z, the camera moved by b: the pixels move by f b / Z."""
    flow = backward_flow(np.full((48, 64), 2.0), CAMERA, CAMERA, shift(x=0.1))
    v, u = np.mgrid[0:48, 0:64]
    np.testing.assert_allclose(flow.pixels[..., 0], u + 60 * 0.1 / 2, atol=1e-12)
    np.testing.assert_allclose(flow.pixels[..., 1], v, atol=1e-12)
    np.testing.assert_array_equal(flow.valid, u + 3 < 63.5)


def test_forward_motion_is_a_zoom():
    flow = backward_flow(np.full((48, 64), 2.0), CAMERA, CAMERA, shift(z=-1.0))
    u = np.arange(64) * np.ones((48, 1))
    np.testing.assert_allclose(flow.pixels[..., 0], (u - 31.5) * 2 + 31.5, atol=1e-12)
    np.testing.assert_allclose(flow.depth, 1.0)


def scene(x_camera):
    """Depth and colour of a near square before a far wall, by ray casting, camera at (x, 0, 0)."""
    v, u = np.mgrid[0:48, 0:64].astype(np.float64)
    x1 = (u - 31.5) / 60 * 1.0 + x_camera
    near = (np.abs(x1) < 0.15) & (np.abs((v - 23.5) / 60) < 0.15)
    depth = np.where(near, 1.0, 3.0)
    x = (u - 31.5) / 60 * depth + x_camera
    color = np.where(near, 10 + 20 * x, 100 + 20 * x)
    return depth, color


def test_warp_reproduces_the_other_view_and_masks_what_it_cannot_see():
    target, truth = scene(0.0)
    source, color = scene(0.2)
    flow = backward_flow(target, CAMERA, CAMERA, shift(x=-0.2))
    seen = visible(flow, source)
    image, known = warp(color, flow, seen)
    hidden = flow.valid & ~known
    assert 20 < hidden.sum() < 300  # a strip of the wall beside the square
    assert (target[hidden] == 3).all()
    inner = known & (np.abs(image - truth) < 40)  # bilinear samples across the silhouette mix both surfaces
    assert inner.sum() > 0.97 * known.sum()
    np.testing.assert_allclose(image[inner], truth[inner], atol=2.5)


def test_splat_and_backward_warp_agree():
    depth, color = scene(0.0)
    other, _ = scene(0.1)
    forward = splat(color, depth, CAMERA, CAMERA, shift(x=-0.1))
    hit = forward.index >= 0
    both = hit & (np.abs(forward.depth - other) < 1e-9)
    assert both.sum() > 0.9 * hit.sum()
    v, u = np.divmod(forward.index[both], 64)
    flow = backward_flow(other, CAMERA, CAMERA, shift(x=0.1))
    np.testing.assert_allclose(flow.pixels[both], np.stack([u, v], -1), atol=0.5 + 1e-9)


def test_the_nearest_wins_and_ties_go_to_the_lower_index():
    camera = PinholeCamera(4, 1, 1.0, 1.0, 1.5, 0.0)
    wide = PinholeCamera(4, 1, 1e-6, 1.0, 1.0, 0.0)  # everything lands in column 1
    depth = np.array([[3.0, 2.0, 2.0, 5.0]])
    out = splat(np.array([[1, 2, 3, 4]]), depth, camera, wide, np.eye(4))
    assert out.index.tolist() == [[-1, 1, -1, -1]]
    assert out.values.tolist() == [[0, 2, 0, 0]]
    assert out.depth.tolist() == [[0, 2, 0, 0]]


def test_tensors_agree_and_carry_gradients():
    depth, color = scene(0.0)
    flow = backward_flow(torch.from_numpy(depth), CAMERA, CAMERA, shift(x=0.03))
    reference = backward_flow(depth, CAMERA, CAMERA, shift(x=0.03))
    np.testing.assert_array_equal(flow.pixels.numpy(), reference.pixels)
    a, _ = warp(torch.from_numpy(color), flow)
    np.testing.assert_allclose(a.numpy(), warp(color, reference)[0], atol=1e-12)
    s = splat(torch.from_numpy(color).requires_grad_(), torch.from_numpy(depth), CAMERA, CAMERA, shift(x=0.03))
    s.values.sum().backward()
    image = torch.rand(5, 6, 2, dtype=torch.float64, requires_grad=True)
    pixels = (torch.rand(7, 2, dtype=torch.float64) * 3 + 0.3).requires_grad_()
    assert torch.autograd.gradcheck(lambda i, p: sample_bilinear(i, p)[0], (image, pixels))
    small = PinholeCamera(3, 2, 5.0, 5.0, 1.0, 0.5, (0.1, 0.02, 0.001, 0.002))
    d = torch.full((2, 3), 2.0, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: backward_flow(x, small, small, shift(x=0.1, z=0.1)).pixels, (d,))


def test_pixels_without_depth_are_unknown():
    depth = np.full((48, 64), 2.0)
    depth[5, 5] = 0
    flow = backward_flow(depth, CAMERA, CAMERA, np.eye(4))
    image, known = warp(np.ones((48, 64, 3)), flow, visible(flow, depth))
    assert not known[5, 5]
    assert (image[5, 5] == 0).all()
    assert known.sum() == 48 * 64 - 1


def test_shapes():
    with pytest.raises(ShapeError, match="values"):
        splat(np.zeros((2, 2)), np.ones((48, 64)), CAMERA, CAMERA, np.eye(4))
    with pytest.raises(ShapeError, match="image"):
        sample_bilinear(np.zeros(3), np.zeros((1, 2)))
