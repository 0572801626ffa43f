"""Block matching finds a known shift, and moving by it gives the frame."""

from __future__ import annotations

import numpy as np
from geo3d_compression.video.motion import BLOCK, REACH, moved, search


def test_a_shift_is_found() -> None:
    rng = np.random.default_rng(2)
    big = rng.integers(0, 255, (100, 120)).astype(float)
    # The search descends: it needs a texture with a slope.
    for axis in (0, 1):
        big = sum(np.roll(big, k, axis) for k in range(-8, 9)) / 17
    before, now = big[20:84, 20:84], big[23:87, 15:79]
    vectors = search(now, before)
    assert vectors.shape == (4, 4, 2)
    assert (vectors[0:3, 1:] == (3, -5)).all()
    inside = moved(before, vectors, (1, 1))[: 3 * BLOCK, BLOCK:]
    assert np.array_equal(inside, now[: 3 * BLOCK, BLOCK:])


def test_vectors_stay_in_reach() -> None:
    rng = np.random.default_rng(3)
    now, before = rng.normal(0, 50, (2, 40, 50))
    assert np.abs(search(now, before).astype(int)).max() <= REACH


def test_coarse_planes_move_by_less() -> None:
    plane = np.arange(64.0).reshape(8, 8)
    vectors = np.full((1, 1, 2), 4, np.int8)
    assert np.array_equal(moved(plane, vectors, (2, 2))[:6, :6], plane[2:, 2:])
