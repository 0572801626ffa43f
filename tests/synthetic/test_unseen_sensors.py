"""Sensors by their causes: a pixel on an edge sees both sides, blocks fatten the near side, spots are spread."""

from __future__ import annotations

import numpy as np

from geo3d.synthetic import UNSEEN_SENSORS, random_room, random_walk, render_frame

NEAR, FAR = 1.0, 2.0


def step(name: str) -> tuple[np.ndarray, int]:
    """What a sensor makes of a near left half before a far right half, grey all over; metres and the edge's column."""
    sensor = UNSEEN_SENSORS[name]
    h, w = sensor.camera.height, sensor.camera.width
    depth = np.full((h, w), FAR, np.float32)
    depth[:, : w // 2] = NEAR
    grey = np.random.default_rng(1).uniform(80, 160, (h, w))
    return sensor.measure(depth, np.random.default_rng(0), grey) / sensor.depth_scale, w // 2


def test_time_of_flight_mixes_both_sides_of_an_edge_and_is_blind_in_its_corners() -> None:
    z, edge = step("long throw")
    between = (z > 1.2 * NEAR) & (z < 0.8 * FAR)
    columns = np.flatnonzero(between.any(axis=0))
    assert between.sum() > 30
    assert np.abs(columns - edge).max() <= 3
    assert not z[:8, :8].any()
    assert abs(np.median(z[100:180, 40:120]) - NEAR) < 0.02


def test_block_matching_fattens_what_is_near_and_ends_at_four_metres() -> None:
    z, edge = step("stereo 4 m")
    beyond = z[:, edge : edge + 4]
    assert (np.abs(beyond[beyond > 0] - NEAR) < 0.15).mean() > 0.3
    assert (np.abs(z[:, edge + 8 :] - NEAR) < 0.15).mean() < 0.01
    sensor = UNSEEN_SENSORS["stereo 4 m"]
    wall = np.full((sensor.camera.height, sensor.camera.width), 6.0, np.float32)
    assert not sensor.measure(wall, np.random.default_rng(0)).any()


def test_phone_spots_leave_no_holes_and_no_sharp_edges() -> None:
    z, edge = step("phone spots")
    assert (z > 0).all()
    # Somewhere between both sides over several pixels, in almost every row.
    between = ((z > 1.1 * NEAR) & (z < 0.95 * FAR)).sum(axis=1)
    assert np.median(between) >= 3
    assert abs(np.median(z[:, : edge // 2]) - NEAR) < 0.02


def test_frames_repeat_by_seed() -> None:
    T = random_walk(random_room(5), 8, seed=2, metres_per_frame=0.3)[4]
    one, other = (render_frame(random_room(5), UNSEEN_SENSORS["long throw"], T, 3) for _ in range(2))
    assert np.array_equal(one.depth, other.depth)
