"""Hard rooms: copies really look like their originals, sizes and seeds hold, new sensors deliver what they say."""

from __future__ import annotations

import numpy as np
import pytest

from geo3d.synthetic import SENSORS, Room, any_room, random_walk, render_frame, repeats
from geo3d.synthetic.kinds import bare_room, corridor, repeated_room, symmetric_room


@pytest.mark.parametrize("kind", [repeated_room, symmetric_room, corridor, bare_room])
def test_a_seed_is_a_room(kind: object) -> None:
    a, b = kind(4), kind(4)
    assert np.array_equal(a.mesh.vertices, b.mesh.vertices)
    assert np.array_equal(a.textures, b.textures)
    assert a.texture_of_face.max() < len(a.textures) == len(a.texture_metres)
    assert not np.array_equal(kind(5).size, a.size)


def test_half_a_turn_of_a_symmetric_room_looks_the_same() -> None:
    room = symmetric_room(next(s for s in range(50) if _extras(s) == 0))
    sensor = SENSORS["lidar"]
    T = np.eye(4)
    T[:3, :3] = [[0, 0, 1], [-1, 0, 0], [0, -1, 0]]
    T[:3, 3] = [room.size[0] * 0.5, room.size[1] * 0.5, 1.4]
    turned = T.copy()
    turned[:3, :3] = np.diag([-1.0, -1.0, 1.0]) @ T[:3, :3]
    a, b = (render_frame(room, sensor, pose, 0) for pose in (T, turned))
    assert np.abs(a.color.astype(int) - b.color.astype(int)).mean() < 4
    assert (a.depth == b.depth).mean() > 0.98


def _extras(seed: int) -> int:
    """Parts that a symmetric room has beyond its two like halves, floor and ceiling."""
    room: Room = symmetric_room(seed)
    flips = room.texture_frame[:, 3]
    return int((flips > 0).sum() - (flips < 0).sum() - 2)


def test_every_kind_can_be_walked_and_seen() -> None:
    names = list(SENSORS)
    for seed in range(4, 8):
        room = any_room(seed)
        frame = render_frame(room, SENSORS[names[seed % len(names)]], random_walk(room, 3, seed)[1], 0)
        assert (frame.depth > 0).mean() > 0.1


def test_the_headset_sees_grey_and_the_lidar_smooth() -> None:
    room = any_room(1)
    T = random_walk(room, 3, 1)[1]
    grey = render_frame(room, SENSORS["headset"], T, 0).color
    assert (grey[..., 0] == grey[..., 2]).all()
    lidar, phone = (render_frame(room, SENSORS[n], T, 0).depth_metres() for n in ("lidar", "phone"))

    def roughness(z: np.ndarray) -> float:
        ok = (z[:, 1:-1] > 0) & (z[:, 2:] > 0) & (z[:, :-2] > 0)
        return float(np.median(np.abs(z[:, 2:] - 2 * z[:, 1:-1] + z[:, :-2])[ok]))

    assert roughness(lidar) < 0.5 * roughness(phone)


def test_holes_cover_about_what_they_say() -> None:
    sensor = SENSORS["holey"]
    wall = np.full((sensor.camera.height, sensor.camera.width), 2.0, np.float32)
    share = (sensor.measure(wall, np.random.default_rng(0)) == 0).mean()
    assert 0.14 < share < 0.27


def test_rooms_that_repeat_themselves_show_a_texture_at_two_places() -> None:
    for seed in range(8):
        frame = any_room(seed).texture_frame
        moved = frame is not None and bool((frame != [0, 0, 0, 1]).any())
        assert moved == repeats(seed), seed
