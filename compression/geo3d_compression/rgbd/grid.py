# mypy: allow-untyped-defs, no-check-untyped-defs
"""What geometry leaves over: a coarse grid of small shifts, found by the encoder and stored.

Rolling shutter, lens distortion, clocks that disagree and depth noise move the warped picture by fractions of a pixel
to a few pixels.  Each grid corner gets the shift that lowers the difference around it (Lucas-Kanade with a pull
towards its neighbours); the decoder only interpolates.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d_compression.rgbd.warp import FRACTION

# Stored shifts are multiples of 1/4 pixel, at most 15 pixels.
STEP = FRACTION // 4
LIMIT = 60
_ROUNDS = 6


def grid_shape(height: int, width: int, cell: int) -> tuple[int, int]:
    """Rows and columns of corners that cover a picture."""
    return (height - 1) // cell + 2, (width - 1) // cell + 2


def find_grid(
    here: NDArray[np.float32],
    there: NDArray[np.float32],
    positions: NDArray[np.int32],
    seen: NDArray[np.uint8],
    cell: int,
    stiffness: float,
    gain: float,
    bias: float,
) -> NDArray[np.int16]:
    """Shifts [rows, columns, 2] in 1/64 pixel on top of `positions` (see `warp.flow` with an empty grid)."""
    rows, columns = grid_shape(here.shape[0], here.shape[1], cell)
    shifts = np.zeros((rows, columns, 2))
    for _ in range(_ROUNDS):
        shifts = _improve(here, there, positions, seen, shifts, cell, stiffness, gain, bias)
    return (np.rint(shifts * 4).clip(-LIMIT, LIMIT) * STEP).astype(np.int16)


@njit(cache=True, nogil=True)
def _improve(here, there, positions, seen, shifts, cell, stiffness, gain, bias):
    rows, columns = shifts.shape[0], shifts.shape[1]
    height, width = here.shape
    # Per corner: the three entries of the normal matrix and the two of the gradient, tent-weighted.
    H = np.zeros((rows, columns, 3))
    g = np.zeros((rows, columns, 2))
    for i in range(0, height, 2):
        for j in range(0, width, 2):
            if not seen[i, j]:
                continue
            gi, gj = i // cell, j // cell
            a, b = (i - gi * cell) / cell, (j - gj * cell) / cell
            dx, dy = 0.0, 0.0
            for p in range(2):
                for q in range(2):
                    w = (a if p else 1 - a) * (b if q else 1 - b)
                    dx += w * shifts[gi + p, gj + q, 0]
                    dy += w * shifts[gi + p, gj + q, 1]
            u = positions[i, j, 0] / FRACTION + dx
            v = positions[i, j, 1] / FRACTION + dy
            u0, v0 = int(np.floor(u)), int(np.floor(v))
            if u0 < 1 or v0 < 1 or u0 >= there.shape[1] - 2 or v0 >= there.shape[0] - 2:
                continue
            c, d = u - u0, v - v0
            p00, p01 = there[v0, u0], there[v0, u0 + 1]
            p10, p11 = there[v0 + 1, u0], there[v0 + 1, u0 + 1]
            value = (1 - d) * ((1 - c) * p00 + c * p01) + d * ((1 - c) * p10 + c * p11)
            gx = gain * ((1 - d) * (p01 - p00) + d * (p11 - p10))
            gy = gain * ((1 - c) * (p10 - p00) + c * (p11 - p01))
            r = here[i, j] - gain * value - bias
            size = abs(r)
            if size > 60.0:
                continue
            weight = 1.0 if size < 8.0 else 8.0 / size
            for p in range(2):
                for q in range(2):
                    w = (a if p else 1 - a) * (b if q else 1 - b) * weight
                    H[gi + p, gj + q, 0] += w * gx * gx
                    H[gi + p, gj + q, 1] += w * gx * gy
                    H[gi + p, gj + q, 2] += w * gy * gy
                    g[gi + p, gj + q, 0] += w * gx * r
                    g[gi + p, gj + q, 1] += w * gy * r
    out = shifts.copy()
    for i in range(rows):
        for j in range(columns):
            mx, my, n = 0.0, 0.0, 0
            for p in range(-1, 2):
                for q in range(-1, 2):
                    if (p != 0) != (q != 0) and 0 <= i + p < rows and 0 <= j + q < columns:
                        mx += shifts[i + p, j + q, 0]
                        my += shifts[i + p, j + q, 1]
                        n += 1
            pull = stiffness * cell * cell / 1024.0
            h00, h01, h11 = H[i, j, 0] + pull, H[i, j, 1], H[i, j, 2] + pull
            b0 = g[i, j, 0] + pull * (mx / n - shifts[i, j, 0])
            b1 = g[i, j, 1] + pull * (my / n - shifts[i, j, 1])
            determinant = h00 * h11 - h01 * h01
            if determinant > 1e-9:
                sx = (h11 * b0 - h01 * b1) / determinant
                sy = (h00 * b1 - h01 * b0) / determinant
                out[i, j, 0] += min(max(sx, -1.5), 1.5)
                out[i, j, 1] += min(max(sy, -1.5), 1.5)
    return out
