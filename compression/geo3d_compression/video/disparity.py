# mypy: allow-untyped-defs, no-check-untyped-defs
"""Where each block of a right view is in the left one: along the row, and a little up or down; compiled."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d_compression.video.motion import BLOCK

# Pixels to either side (rectified pairs look to the right in the left view alone) and up or down.
REACH_X = 127
REACH_Y = 1
_COARSE = 3


def search_disparity(right: NDArray[np.float64], left: NDArray[np.float64]) -> NDArray[np.int8]:
    """int8 [rows, columns, 2] (dy, dx) by which to read `left` for each block of `right` (both [H, W])."""
    height, width = right.shape
    vectors = np.zeros((-(-height // BLOCK), -(-width // BLOCK), 2), np.int8)
    _search(right, left, vectors)
    return vectors


@njit(cache=True, nogil=True)
def _cost(now, before, y0, x0, dy, dx, step, best):
    """Sum of absolute differences of a block on a raster of `step`, in full units; stops above `best`."""
    height, width = now.shape
    total = 0.0
    for y in range(y0, min(y0 + BLOCK, height), step):
        yy = min(max(y + dy, 0), height - 1)
        for x in range(x0, min(x0 + BLOCK, width), step):
            xx = min(max(x + dx, 0), width - 1)
            total += abs(now[y, x] - before[yy, xx]) * (step * step)
        if total > best:
            break
    return total


@njit(cache=True, nogil=True)
def _search(now, before, vectors):
    """All disparities on a sparse raster, then the neighbours' and those around the best on all pixels."""
    rows, columns = vectors.shape[0], vectors.shape[1]
    for i in range(rows):
        for j in range(columns):
            y0, x0 = i * BLOCK, j * BLOCK
            best, best_y, best_x = 1e30, 0, 0
            for dx in range(-REACH_X, REACH_X + 1):
                cost = _cost(now, before, y0, x0, 0, dx, _COARSE, best)
                if cost < best:
                    best, best_x = cost, dx
            middle = best_x
            best = 1e30
            for k in range(4):
                a, b = i - (k == 1), j - (k == 2)
                # The raster's best, the block above, the block to the left, no shift.
                start = middle if k == 0 else 0
                if k in (1, 2):
                    if a < 0 or b < 0:
                        continue
                    start = np.int64(vectors[a, b, 1])
                for dx in range(max(start - 1, -REACH_X), min(start + 2, REACH_X + 1)):
                    for dy in range(-REACH_Y, REACH_Y + 1):
                        # A block's own vector has to be worth its bits.
                        cost = _cost(now, before, y0, x0, dy, dx, 1, best - 8.0) + (0.0 if k in (1, 2) else 8.0)
                        if cost < best:
                            best, best_y, best_x = cost, dy, dx
            vectors[i, j, 0], vectors[i, j, 1] = best_y, best_x
