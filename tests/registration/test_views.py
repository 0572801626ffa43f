"""Clouds that are single views: the camera's place, its picture, and registration through both cameras."""

from __future__ import annotations

import numpy as np
import pytest

from geo3d.ops import depth_to_cloud
from geo3d.registration.register_clouds import register_clouds
from geo3d.registration.se3 import angle, inverse
from geo3d.registration.views.draw_view import draw_view
from geo3d.registration.views.register_views import CERTAIN, register_views
from geo3d.registration.views.viewpoint import find_viewpoint
from geo3d.synthetic import UNSEEN_SENSORS, random_room, random_walk, render_frame
from geo3d.types import PointCloud, RGBDFrame


@pytest.fixture(scope="module")
def clouds(room_frames: list[RGBDFrame]) -> list[PointCloud]:
    """The frames' points in camera coordinates, shuffled: only where they are tells where the camera was."""
    rng = np.random.default_rng(0)
    return [c[rng.permutation(len(c))] for c in (depth_to_cloud(f, stride=2) for f in room_frames)]


def test_a_moved_view_tells_where_its_camera_stood(clouds: list[PointCloud], random_pose: np.ndarray) -> None:
    cloud = clouds[0].transformed(random_pose)
    found = find_viewpoint(cloud.points)
    away = float(np.median(np.linalg.norm(clouds[0].points, axis=1)))
    assert np.linalg.norm(found.eye - random_pose[:3, 3]) < 0.3 * away
    assert found.doubt < CERTAIN


@pytest.mark.parametrize("name", UNSEEN_SENSORS)
def test_cameras_of_wide_and_smearing_sensors_are_found(name: str, random_pose: np.ndarray) -> None:
    room = random_room(5)
    T = random_walk(room, 8, seed=2, metres_per_frame=0.3)[4]
    cloud = depth_to_cloud(render_frame(room, UNSEEN_SENSORS[name], T, 3), stride=2)
    away = float(np.median(np.linalg.norm(cloud.points, axis=1)))
    found = find_viewpoint(cloud.transformed(random_pose).points)
    assert np.linalg.norm(found.eye - random_pose[:3, 3]) < 0.25 * away


def test_what_is_seen_from_all_around_is_no_certain_view() -> None:
    rng = np.random.default_rng(1)
    ball = rng.normal(size=(20_000, 3))
    ball /= np.linalg.norm(ball, axis=1, keepdims=True)
    box = rng.uniform(-0.3, 0.3, (10_000, 3))
    box[np.arange(10_000), rng.integers(3, size=10_000)] = 0.3 * rng.choice([-1, 1], 10_000)
    assert find_viewpoint(np.concatenate([ball, box])).doubt > CERTAIN


def test_what_is_drawn_lies_on_the_cloud_in_its_colours(clouds: list[PointCloud], random_pose: np.ndarray) -> None:
    from scipy.spatial import cKDTree

    cloud = clouds[0].transformed(random_pose)
    frame, T_cloud_camera = draw_view(cloud, random_pose[:3, 3])
    drawn = depth_to_cloud(frame).transformed(T_cloud_camera)
    distance, index = cKDTree(cloud.points).query(drawn.points)
    assert len(drawn) > 0.5 * frame.depth.size
    assert np.quantile(distance, 0.9) < 0.03
    assert drawn.colors is not None
    assert cloud.colors is not None
    off = np.abs(drawn.colors.astype(int) - cloud.colors[index].astype(int)).mean(axis=1)
    assert np.median(off) < 12


@pytest.mark.parametrize("unit", [1.0, 0.001])
def test_views_are_registered_through_their_cameras(
    clouds: list[PointCloud], room_frames: list[RGBDFrame], random_pose: np.ndarray, unit: float
) -> None:
    """In metres and in millimetres; the answer is in the clouds' own frames and unit."""
    a, b = ((PointCloud(c.points / unit, c.colors)) for c in clouds[:2])
    T = random_pose.copy()
    T[:3, 3] /= unit
    truth = inverse(room_frames[1].T_world_camera) @ room_frames[0].T_world_camera
    truth[:3, 3] /= unit
    found = register_views(a.transformed(T), b)
    assert found is not None
    result, certain = found
    assert certain
    assert result.converged, result.reason
    error = inverse(truth) @ (result.T_target_source @ T)
    assert np.rad2deg(angle(error)) < 2
    assert np.linalg.norm(error[:3, 3]) * unit < 0.05
    assert np.allclose(result.information, result.information.T)
    assert np.linalg.eigvalsh(result.information).min() > 0


def test_opposite_corners_of_a_room_are_refused(clouds: list[PointCloud], random_pose: np.ndarray) -> None:
    result = register_clouds(clouds[0].transformed(random_pose), clouds[2])
    assert not result.converged
    assert result.reason


def test_the_same_clouds_give_the_same_bits(clouds: list[PointCloud]) -> None:
    a, b = (register_views(clouds[0], clouds[1]) for _ in range(2))
    assert a is not None
    assert b is not None
    assert np.array_equal(a[0].T_target_source, b[0].T_target_source)
    assert a[0].probability == b[0].probability
