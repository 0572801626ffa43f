"""The automatic camera sees everything, upright, and is not fooled by strays."""

from __future__ import annotations

import numpy as np
import pytest
from geo3d_viewer import PointLayer, Scene
from geo3d_viewer.framing import auto_camera

from geo3d.errors import ShapeError
from geo3d.types import PointCloud


def inside(camera, points: np.ndarray, size: tuple[int, int]) -> np.ndarray:  # type: ignore[no-untyped-def]
    T = camera.T_world_camera
    p = (points - T[:3, 3]) @ T[:3, :3]
    f = camera.focal(size[1])
    uv = np.abs(p[:, :2] / p[:, 2:] * f)
    return (p[:, 2] > 0) & (uv[:, 0] < size[0] / 2) & (uv[:, 1] < size[1] / 2)


@pytest.mark.parametrize("size", [(640, 480), (300, 700)])
@pytest.mark.parametrize("extent", [[1, 1, 1], [100, 0.1, 3], [0.001, 0.001, 0.001]])
def test_all_is_in_view_and_up_is_up(size: tuple[int, int], extent: list[float]) -> None:
    points = np.random.default_rng(0).uniform(-1, 1, (2000, 3)) * extent + [1000, 0, -50]
    camera, up = auto_camera(Scene((PointLayer("a", PointCloud(points)),)), size)
    assert inside(camera, points, size).all()
    assert camera.T_world_camera[:3, 1] @ up < 0


def test_strays_do_not_shrink_the_picture() -> None:
    points = np.random.default_rng(0).uniform(-1, 1, (2000, 3))
    stray = np.r_[points, [[500, 0, 0]], [[np.nan, 0, 0]]]
    with_stray, _ = auto_camera(Scene((PointLayer("a", PointCloud(stray)),)))
    assert np.linalg.norm(np.subtract(with_stray.position, with_stray.target)) < 10


def test_it_looks_the_way_the_sensor_looked() -> None:
    points = np.random.default_rng(0).uniform(-1, 1, (2000, 3))
    scene = Scene((PointLayer("a", PointCloud(points)),), up=np.array([0, 0, 1.0]), forward=np.array([1.0, 0, 0]))
    camera, _ = auto_camera(scene)
    forward = camera.T_world_camera[:3, 2]
    assert forward[0] > 0.8
    assert forward[2] < 0


def test_a_room_is_looked_into_from_above() -> None:
    rng = np.random.default_rng(0)
    p = rng.uniform(-1, 1, (12_000, 3)) * [3, 3, 1.2]
    side = rng.integers(0, 5, len(p))
    for k, (axis, value) in enumerate([(0, 3), (0, -3), (1, 3), (1, -3), (2, -1.2)]):
        p[side == k, axis] = value
    camera, up = auto_camera(Scene((PointLayer("room", PointCloud(p)),), up=np.array([0, 0, 1.0])))
    assert camera.T_world_camera[:3, 2] @ up < -0.7


def test_nothing_to_see_is_an_error_and_one_point_is_not() -> None:
    with pytest.raises(ShapeError, match="nothing to look at"):
        auto_camera(Scene((PointLayer("a", PointCloud(np.full((4, 3), np.nan))),)))
    camera, _ = auto_camera(Scene((PointLayer("a", PointCloud(np.ones((1, 3)))),)))
    assert inside(camera, np.ones((1, 3)), (960, 720)).all()
