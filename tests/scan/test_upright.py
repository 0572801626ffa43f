import numpy as np
import pytest

from geo3d.registration.se3 import exp_se3
from geo3d.scan.upright import estimate_up


def cameras(pitch: float, yaws: np.ndarray, R_world: np.ndarray) -> np.ndarray:
    """Level cameras (roll 0) with a pitch, in a world turned by R_world; up is R_world @ z."""
    T = np.tile(np.eye(4), (len(yaws), 1, 1))
    for k, yaw in enumerate(yaws):
        forward = np.array([np.cos(yaw) * np.cos(pitch), np.sin(yaw) * np.cos(pitch), -np.sin(pitch)])
        right = np.cross(forward, [0, 0, 1.0])
        right /= np.linalg.norm(right)
        T[k, :3, :3] = R_world @ np.stack([right, np.cross(forward, right), forward], axis=1)
    return T


@pytest.mark.parametrize("pitch", [0.0, 0.4, 0.8])
def test_up_from_level_cameras_and_a_floor(pitch: float) -> None:
    R = exp_se3(np.array([0.7, -0.4, 1.9, 0, 0, 0]))[:3, :3]
    rng = np.random.default_rng(0)
    normals = np.concatenate([np.tile([0, 0, 1.0], (3000, 1)), np.tile([0.8, 0.6, 0], (1000, 1))])
    normals = (normals + rng.normal(size=normals.shape) * 0.03) @ R.T
    up = estimate_up(cameras(pitch, np.linspace(0, 2, 20), R), normals)
    assert np.rad2deg(np.arccos(up @ R[:, 2])) < 3


def test_up_without_surfaces_is_near_the_cameras_up() -> None:
    up = estimate_up(cameras(0.1, np.linspace(0, 3, 9), np.eye(3)), None)
    assert up[2] > 0.97
    assert np.linalg.norm(up) == pytest.approx(1)
