"""The view camera: axes, exact framing, JSON."""

from __future__ import annotations

import numpy as np
import pytest
from geo3d_viewer.camera import ViewCamera, looking_along
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geo3d.errors import FormatError, ShapeError

numbers = st.floats(-100, 100, width=32)


def test_axes_are_those_of_opencv() -> None:
    T = ViewCamera((0, 0, 0), (0, 5, 0), (0, 0, 1)).T_world_camera
    # Looking along world y with z up: right is x, down is -z, forward is y.
    assert np.allclose(T[:3, :3], np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]]).T)


def test_looking_straight_down_still_gives_a_rotation() -> None:
    T = ViewCamera((0, 0, 9), (0, 0, 0), (0, 0, 2)).T_world_camera
    assert np.allclose(T[:3, :3] @ T[:3, :3].T, np.eye(3))
    assert np.allclose(T[:3, 2], [0, 0, -1])
    assert np.isclose(np.linalg.det(T), 1)


@given(
    points=arrays(np.float64, st.tuples(st.integers(1, 20), st.just(3)), elements=numbers),
    direction=arrays(np.float64, 3, elements=numbers).filter(lambda d: np.linalg.norm(d) > 0.1),
    aspect=st.sampled_from([0.5, 1.0, 16 / 9]),
)
def test_framing_holds_every_point_and_leaves_no_closer_place(
    points: np.ndarray, direction: np.ndarray, aspect: float
) -> None:
    direction = direction / np.linalg.norm(direction)
    camera = looking_along(points, direction, np.array([0, 0, 1.0]), aspect, margin=0.0)
    T = camera.T_world_camera
    assert np.allclose(T[:3, 2], direction, atol=1e-6)
    p = (points - T[:3, 3]) @ T[:3, :3]
    f = camera.focal(2)
    assert (p[:, 2] > 0).all()
    x, y = np.abs(p[:, 0] / p[:, 2] * f / aspect).max(), np.abs(p[:, 1] / p[:, 2] * f).max()
    assert max(x, y) <= 1 + 1e-6
    size = np.linalg.norm(np.ptp(points, axis=0))
    across = np.linalg.norm(np.ptp(p[:, :2], axis=0))
    if across > 0.5 * size and p[:, 2].min() > 0.051 * size:
        # Not held back by a point before its nose, the camera is so near that points touch the picture's edge.
        assert max(x, y) > 1 - 1e-3


def test_orbiting_keeps_height_and_distance() -> None:
    camera = ViewCamera((3, 0, 2), (0, 0, 0))
    turned = camera.orbited(np.pi / 2)
    assert np.allclose(turned.position, (0, 3, 2))
    assert np.allclose(camera.orbited(2 * np.pi).position, camera.position)


def test_json_round_trip_from_text_and_file(tmp_path) -> None:  # type: ignore[no-untyped-def]
    camera = ViewCamera((1, 2, 3), (0.1, 0, 0), (0, 1, 0), 55.5)
    assert ViewCamera.from_json(camera.to_json()) == camera
    path = tmp_path / "camera.json"
    path.write_text(camera.to_json())
    assert ViewCamera.from_json(str(path)) == camera


@pytest.mark.parametrize(
    "text",
    ["{", "nowhere.json", "{}", '{"position": [1, 2], "target": [0, 0, 0]}', '{"position": 1, "target": 2}',
     '{"position": [0, 0, 0], "target": [0, 0, 0]}', '{"position": [0, 0, 1], "target": [0, 0, 0], "zoom": 2}',
     '{"position": [0, 0, 1], "target": [0, 0, 0], "fov": 0}', '{"position": [0, 0, 1], "target": [0, "a", 0]}',
     '{"position": [0, 0, 1], "target": [0, 0, 0], "fov": "wide"}'],
)  # fmt: skip
def test_bad_cameras_are_refused(text: str) -> None:
    with pytest.raises(FormatError):
        ViewCamera.from_json(text)


def test_camera_checks() -> None:
    with pytest.raises(ShapeError, match="up"):
        ViewCamera((0, 0, 1), (0, 0, 0), (0, 0, 0))
