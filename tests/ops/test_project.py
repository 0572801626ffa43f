import cv2
import numpy as np
import pytest
import torch

from geo3d.errors import ShapeError
from geo3d.ops import project, unproject
from geo3d.ops.distortion import distort, radius_limit
from geo3d.types import PinholeCamera

PLAIN = PinholeCamera(640, 480, 525.0, 520.0, 319.5, 239.5)
KINECT = PinholeCamera(640, 480, 525.0, 520.0, 319.5, 239.5, (0.2624, -0.9531, -0.0054, 0.0026, 1.1633))
BARREL = PinholeCamera(640, 480, 400.0, 400.0, 320.0, 240.0, (-0.3, 0.09, 0.001, -0.0005))
RATIONAL = PinholeCamera(640, 480, 500.0, 500.0, 320.0, 240.0, (0.4, -2.7, 0.0003, 0.0002, 1.5, 0.3, -2.5, 1.45))
CAMERAS = [PLAIN, KINECT, BARREL, RATIONAL]


def seen_points(camera, n=2000, seed=0):
    rng = np.random.default_rng(seed)
    pixels = rng.uniform([0, 0], [camera.width - 1, camera.height - 1], (n, 2))
    depth = rng.uniform(0.3, 8, n)
    points, valid = unproject(pixels, depth, camera)
    return pixels[valid], depth[valid], points[valid]


@pytest.mark.parametrize("camera", CAMERAS)
def test_projection_agrees_with_opencv(camera):
    points = np.random.default_rng(1).uniform([-0.4, -0.3, 1], [0.4, 0.3, 1.2], (500, 3))
    truth, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), camera.K, np.array(camera.distortion))
    pixels, depth, valid = project(points, camera)
    assert valid.all()
    np.testing.assert_allclose(pixels, truth[:, 0], atol=1e-9)
    np.testing.assert_array_equal(depth, points[:, 2])


@pytest.mark.parametrize("camera", CAMERAS)
def test_unprojection_inverts_projection_to_a_millionth_of_a_pixel(camera):
    pixels, depth, points = seen_points(camera)
    assert len(pixels) > 1900
    back, z, valid = project(points, camera)
    assert valid.all()
    np.testing.assert_allclose(back, pixels, atol=1e-6)
    np.testing.assert_allclose(z, depth, rtol=1e-12)


@pytest.mark.parametrize("camera", CAMERAS)
def test_tensors_give_the_same_numbers(camera):
    pixels, depth, points = seen_points(camera, 200)
    p, valid = unproject(torch.from_numpy(pixels), torch.from_numpy(depth), camera)
    assert isinstance(p, torch.Tensor)
    assert bool(valid.all())
    np.testing.assert_allclose(p.numpy(), points, atol=1e-12)
    np.testing.assert_allclose(project(p, camera).pixels.numpy(), pixels, atol=1e-6)
    single = project(torch.from_numpy(points).float(), camera).pixels
    assert single.dtype == torch.float32


@pytest.mark.parametrize("camera", CAMERAS)
def test_gradients(camera):
    pixels, depth, points = seen_points(camera, 6)
    p = torch.from_numpy(points).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: project(x, camera).pixels, (p,), atol=1e-3)
    uv, d = torch.from_numpy(pixels).requires_grad_(), torch.from_numpy(depth).requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: unproject(a, b, camera).points, (uv, d), atol=1e-4)


def test_points_behind_and_outside_are_invalid_and_finite():
    points = np.array([[0, 0, 1], [0, 0, -1], [0, 0, 0], [9, 0, 1], [np.nan, 0, 1]], dtype=np.float64)
    pixels, _, valid = project(points, PLAIN)
    assert valid.tolist() == [True, False, False, False, False]
    assert np.isfinite(pixels[:4]).all()


def test_points_beyond_the_fold_of_the_polynomial_never_enter_the_image():
    folding = PinholeCamera(640, 480, 400.0, 400.0, 320.0, 240.0, (-0.4, 0.0, 0.0, 0.0))
    limit = radius_limit(folding.distortion)
    assert limit == pytest.approx(1 / np.sqrt(1.2), abs=2e-3)  # d/dr r (1 − 0.4 r²) = 0
    x = np.linspace(0, 5, 400)
    valid = project(np.stack([x, 0 * x, np.ones_like(x)], -1), folding).valid
    assert not valid[x > limit].any()


def test_pixels_that_no_ray_reaches_are_masked():
    folding = PinholeCamera(2000, 2000, 400.0, 400.0, 1000.0, 1000.0, (-0.4, 0.0, 0.0, 0.0))
    pixels = np.array([[1000.0, 1000.0], [1995.0, 1000.0]])
    points, valid = unproject(pixels, np.ones(2), folding)
    assert valid.tolist() == [True, False]
    assert points[1].tolist() == [0, 0, 0]


def test_a_pose_moves_the_points():
    T = np.eye(4)
    T[:3, :3] = cv2.Rodrigues(np.array([0.1, -0.2, 0.3]))[0]
    T[:3, 3] = [1, 2, 3]
    pixels, depth, points = seen_points(PLAIN, 100)
    world, _ = unproject(pixels, depth, PLAIN, T)
    np.testing.assert_allclose(world, points @ T[:3, :3].T + T[:3, 3], atol=1e-12)
    np.testing.assert_allclose(project(world, PLAIN, np.linalg.inv(T)).pixels, pixels, atol=1e-9)


def test_depth_without_measurement_is_invalid():
    _, valid = unproject(np.zeros((4, 2)), np.array([0, -1, np.nan, np.inf]), PLAIN)
    assert not valid.any()


def test_shapes_are_checked():
    with pytest.raises(ShapeError, match="axis of 3"):
        project(np.zeros((4, 2)), PLAIN)
    with pytest.raises(ShapeError, match=r"the camera is \[480, 640\]"):
        unproject(None, np.ones((3, 3)), PLAIN)


def test_no_distortion_is_the_identity():
    x, y = distort(np.array([0.3]), np.array([0.2]), ())
    assert (x[0], y[0]) == (0.3, 0.2)
