"""Colours on decoded voxels: the mean of both directions' neighbours."""

import numpy as np
from geo3d_compression.cloud.recolor import nearest, recolor

ORIGINAL = np.array([[0, 0, 0], [1, 0, 0], [10, 0, 0]])
COLORS = np.array([[0, 10, 20], [100, 110, 120], [200, 210, 220]])


def test_the_same_voxels_keep_their_colours() -> None:
    assert np.array_equal(recolor(ORIGINAL, COLORS, ORIGINAL[::-1], 1), COLORS[::-1])


def test_every_original_counts() -> None:
    decoded = np.array([[0, 0, 0], [9, 0, 0], [20, 0, 0]])
    expected = [
        # Nearest is the first; the first two have it as their nearest.
        [(0 + 50) / 2, (10 + 60) / 2, (20 + 70) / 2],
        [200, 210, 220],
        # Nobody's nearest: its own nearest alone.
        [200, 210, 220],
    ]
    assert np.array_equal(recolor(ORIGINAL, COLORS, decoded, 1), expected)
    assert nearest(ORIGINAL, decoded, 1).tolist() == [0, 2, 2]
