# mypy: allow-untyped-defs, no-check-untyped-defs
"""What the reader and the writer of entropy-coded JPEG segments share: orders, statuses, and the walk over blocks.

Coefficients are one flat int16 array; block b of component c starts at `offsets[c] + 64 * b`, in natural (row-major)
order.  `layout` holds a row for each component of the scan:

    offset, blocks a row in memory, block columns and rows that the scan covers, sampling h, v inside an MCU
"""

from __future__ import annotations

import numpy as np
from numba import njit

# Natural position of each zigzag index.
ZIGZAG = np.array([
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5,
    12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
    58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
], np.int64)  # fmt: skip

OK, TRUNCATED, BAD_CODE, BAD_VALUE, LEFT_OVER = range(5)

# Reader and writer state: position, bit buffer, bits in it.
POS, BUF, BITS = range(3)
# Padding that needs no note of its own.
FILL_ONES, FILL_ZEROS = -1, -2


@njit(cache=True, nogil=True, inline="always")
def block_place(layout, mcus, mcu, c, j):
    """Where the coefficients of block `j` of component `c` in an MCU begin; `mcus`: columns and rows of MCUs."""
    h, v = layout[c, 4], layout[c, 5]
    x, y = mcu % mcus[0] * h + j % h, mcu // mcus[0] * v + j // h
    return layout[c, 0] + 64 * (y * layout[c, 1] + x)
