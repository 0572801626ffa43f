# mypy: allow-untyped-defs, no-check-untyped-defs
"""Where each block of a frame was in the frame before: whole pixels, searched by the encoder, compiled.

A vector is what the decoder needs; the fraction of a pixel is left to the least-squares predictors, which see the
moved frame's neighbours.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

BLOCK = 16
REACH = 24


def search(now: NDArray[np.float64], before: NDArray[np.float64]) -> NDArray[np.int8]:
    """int8 [rows, columns, 2] (dy, dx) by which to read `before` for each block of `now` (both [H, W])."""
    height, width = now.shape
    vectors = np.zeros((-(-height // BLOCK), -(-width // BLOCK), 2), np.int8)
    _search(now, before, vectors)
    return vectors


@njit(cache=True, nogil=True)
def _cost(now, before, y0, x0, dy, dx, best):
    """Sum of absolute differences of a block, and a little for the vector; stops above `best`."""
    height, width = now.shape
    total = 2.0 * (abs(dy) + abs(dx))
    for y in range(y0, min(y0 + BLOCK, height)):
        yy = min(max(y + dy, 0), height - 1)
        for x in range(x0, min(x0 + BLOCK, width)):
            xx = min(max(x + dx, 0), width - 1)
            total += abs(now[y, x] - before[yy, xx])
        if total >= best:
            break
    return total


@njit(cache=True, nogil=True)
def _search(now, before, vectors):
    """The best of the neighbours' vectors, of all within 3 of it and of a coarse raster; then downhill by 4, 2, 1."""
    rows, columns = vectors.shape[0], vectors.shape[1]
    for i in range(rows):
        for j in range(columns):
            y0, x0 = i * BLOCK, j * BLOCK
            best_y, best_x = 0, 0
            best = _cost(now, before, y0, x0, 0, 0, 1e30)
            for k in range(3):
                a, b = i - (k != 0), j - (k != 1)
                if a >= 0 and b >= 0:
                    dy, dx = np.int64(vectors[a, b, 0]), np.int64(vectors[a, b, 1])
                    cost = _cost(now, before, y0, x0, dy, dx, best)
                    if cost < best:
                        best, best_y, best_x = cost, dy, dx
            mid_y, mid_x = best_y, best_x
            for dy in range(max(mid_y - 3, -REACH), min(mid_y + 4, REACH + 1)):
                for dx in range(max(mid_x - 3, -REACH), min(mid_x + 4, REACH + 1)):
                    cost = _cost(now, before, y0, x0, dy, dx, best)
                    if cost < best:
                        best, best_y, best_x = cost, dy, dx
            for dy in range(-16, 17, 8):
                for dx in range(-16, 17, 8):
                    cost = _cost(now, before, y0, x0, dy, dx, best)
                    if cost < best:
                        best, best_y, best_x = cost, dy, dx
            step = 4
            while step > 0:
                moved = False
                for k in range(4):
                    dy = best_y + (step if k == 0 else -step if k == 1 else 0)
                    dx = best_x + (step if k == 2 else -step if k == 3 else 0)
                    if abs(dy) <= REACH and abs(dx) <= REACH:
                        cost = _cost(now, before, y0, x0, dy, dx, best)
                        if cost < best:
                            best, best_y, best_x, moved = cost, dy, dx, True
                if not moved:
                    step //= 2
            vectors[i, j, 0], vectors[i, j, 1] = best_y, best_x


def moved(before: NDArray[np.float64], vectors: NDArray[np.int8], ratio: tuple[int, int]) -> NDArray[np.float64]:
    """`before` read along the vectors; `ratio`: how much coarser its plane is than the searched one (y, x)."""
    out = np.zeros_like(before)
    _move(before, vectors, ratio[0], ratio[1], out)
    return out


@njit(cache=True, nogil=True)
def _move(before, vectors, ratio_y, ratio_x, out):
    height, width = out.shape
    for y in range(height):
        i = min(y * ratio_y // BLOCK, vectors.shape[0] - 1)
        for x in range(width):
            j = min(x * ratio_x // BLOCK, vectors.shape[1] - 1)
            # Rounded to the nearest sample of a coarser plane.
            dy = (2 * np.int64(vectors[i, j, 0]) + ratio_y) // (2 * ratio_y)
            dx = (2 * np.int64(vectors[i, j, 1]) + ratio_x) // (2 * ratio_x)
            out[y, x] = before[min(max(y + dy, 0), height - 1), min(max(x + dx, 0), width - 1)]
