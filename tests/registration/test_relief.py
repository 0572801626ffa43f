"""What a surface's bending around a pixel must be: known for planes and spheres, the same from near and far."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from geo3d.registration.dense import frame_maps
from geo3d.registration.dense._relief import relief
from geo3d.registration.dense.consistency import consistency
from geo3d.registration.se3 import exp_se3, inverse
from geo3d.types import RGBDFrame

FOCAL, SIZE = 400.0, 161
RADIUS = 0.3
NEIGHBOURHOOD = 0.06


def sphere(distance: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Depth and normals of a sphere of 30 cm before the camera, exactly."""
    v, u = np.mgrid[:SIZE, :SIZE] - SIZE // 2
    ray = np.stack([u / FOCAL, v / FOCAL, np.ones_like(u, float)], axis=2)
    squared = (ray * ray).sum(axis=2)
    root = np.maximum(distance**2 - squared * (distance**2 - RADIUS**2), 0)
    z = np.where(root > 0, (distance - np.sqrt(root)) / squared, 0)
    normals = np.where(z[..., None] > 0, (ray * z[..., None] - [0, 0, distance]) / RADIUS, 0)
    return z.astype(np.float32), normals.astype(np.float32)


@pytest.mark.parametrize("distance", [0.8, 1.4])
def test_a_sphere_bends_by_its_radius_from_near_and_far(distance: float) -> None:
    depth, normals = sphere(distance)
    middle = float(SIZE // 2)
    height, turn = relief(depth, normals, (FOCAL, FOCAL, middle, middle), NEIGHBOURHOOD)
    # A chord of length l leaves the tangent plane by l / 2R, and the normal turns by l^2 / 2R^2.
    grid = np.stack(np.meshgrid(*[np.arange(-2, 3) * NEIGHBOURHOOD / 2] * 2), axis=2).reshape(-1, 2)
    length = np.linalg.norm(grid[np.any(grid != 0, axis=1)], axis=1)
    at = SIZE // 2
    assert height[at, at] == pytest.approx(-length.mean() / (2 * RADIUS), rel=0.1)
    assert turn[at, at] == pytest.approx((length**2).mean() / (2 * RADIUS**2), rel=0.15)


def test_a_slanted_plane_has_no_relief() -> None:
    v, u = np.mgrid[:60, :80]
    normal = np.array([0.4, 0.2, -1.0]) / np.linalg.norm([0.4, 0.2, -1.0])
    depth = -1.5 / (normal[0] * (u - 40) / FOCAL + normal[1] * (v - 30) / FOCAL + normal[2])
    normals = np.broadcast_to(normal, (60, 80, 3))
    height, turn = relief(
        depth.astype(np.float32), np.ascontiguousarray(normals, np.float32), (FOCAL, FOCAL, 40.0, 30.0), 0.1
    )
    assert np.abs(height).max() < 1e-3
    assert np.abs(turn).max() < 1e-5


def test_without_colour_shape_tells_right_from_shifted(room_frames: list[RGBDFrame]) -> None:
    one, other = room_frames[:2]
    truth = inverse(other.T_world_camera) @ one.T_world_camera
    a, b = frame_maps(replace(one, color=None)), frame_maps(replace(other, color=None))
    right, shifted = consistency(a, b, truth), consistency(a, b, exp_se3(np.array([0, 0, 0, 0.15, 0, 0])) @ truth)
    assert right.chroma > 0.7
    assert right.chroma > shifted.chroma + 0.2
    # With one colour picture there is nothing to compare it to.
    mixed = consistency(a, frame_maps(other), truth)
    assert mixed == right
