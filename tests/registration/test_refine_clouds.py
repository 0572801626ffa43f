"""Own ICP: recovers a small known motion of prepared clouds, bit for bit the same each time, and gives up politely."""

from __future__ import annotations

import numpy as np

from geo3d.registration.prepare import prepare_pair
from geo3d.registration.refine_clouds import refine_clouds
from geo3d.registration.se3 import angle, exp_se3
from geo3d.types import PointCloud


def pair() -> tuple[object, np.ndarray]:
    rng = np.random.default_rng(0)
    box = rng.uniform(-0.5, 0.5, (9000, 3))
    box[np.arange(9000), rng.integers(3, size=9000)] = 0.5 * rng.choice([-1, 1], 9000)
    T = exp_se3(np.array([0.03, -0.05, 0.04, 0.02, -0.015, 0.02]))
    return prepare_pair(PointCloud(box[::2]), PointCloud(box[1::2] @ T[:3, :3].T + T[:3, 3])), T


def test_small_motion() -> None:
    clouds, truth = pair()
    T = clouds.uncentered(refine_clouds(clouds, clouds.centered(np.eye(4)), (4.0, 2.0, 1.0)))
    error = np.linalg.inv(truth) @ T
    assert np.rad2deg(angle(error)) < 0.3
    assert np.linalg.norm(error[:3, 3]) < 0.004


def test_same_bits_and_fewer_points() -> None:
    clouds, _ = pair()
    a, b = (refine_clouds(clouds, np.eye(4), (3.0,), 500) for _ in range(2))
    assert np.array_equal(a, b)
    assert np.isfinite(a).all()


def test_nothing_within_reach_leaves_the_pose() -> None:
    clouds, _ = pair()
    far = np.eye(4)
    far[0, 3] = 1000
    assert np.array_equal(refine_clouds(clouds, far, (1.0,)), far)
