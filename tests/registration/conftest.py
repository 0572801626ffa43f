"""Frames of one small synthetic room, rendered once for all tests here."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from geo3d.synthetic import SENSORS, random_room, render_frame
from geo3d.types import RGBDFrame


def _look(eye: list[float], at: list[float]) -> np.ndarray:
    z = np.array(at, float) - eye
    z /= np.linalg.norm(z)
    x = np.cross(z, [0, 0, 1.0])
    x /= np.linalg.norm(x)
    T = np.eye(4)
    T[:3, :3] = np.stack([x, np.cross(z, x), z], axis=1)
    T[:3, 3] = eye
    return T


@pytest.fixture(scope="session")
def look() -> Callable[[list[float], list[float]], np.ndarray]:
    """T_world_camera of an eye and what it looks at."""
    return _look


@pytest.fixture(scope="session")
def room_frames() -> list[RGBDFrame]:
    """Three views: two that share most of what they see, and one of the opposite corner."""
    room = random_room(3)
    w, d, _ = room.size
    center = [w / 2, d / 2, 1.4]
    poses = [
        _look(center, [w, d, 0.8]),
        _look([center[0] + 0.2, center[1] - 0.15, 1.45], [w - 0.6, d, 0.7]),
        _look(center, [0, 0, 0.8]),
    ]
    return [render_frame(room, SENSORS["phone"], T, k) for k, T in enumerate(poses)]


@pytest.fixture
def random_pose() -> np.ndarray:
    T = np.eye(4)
    T[:3, :3] = Rotation.from_rotvec([0.4, -1.1, 2.0]).as_matrix()
    T[:3, 3] = [1.0, -0.5, 0.3]
    return T
