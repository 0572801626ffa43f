# mypy: allow-untyped-defs, no-check-untyped-defs
"""The scratch array that the kernels of the coefficient model share, and the hash of their contexts.

work = [what is coded now | what comes next | the count of the next block | that of the second edge | settings]

The first four are alike: keys of the contexts (32), places of their counters (32), rows of mixers and estimators.
"""

from __future__ import annotations

import numpy as np
from numba import njit

ROW_0, ROW_1, ROW_2, CLASS, APM_ROW = range(64, 69)
AREA = 72
NEXT, NEXT_BLOCK, SIDE = AREA, 2 * AREA, 3 * AREA
# Settings: active context ranges [0, BASE) and [WARP_FIRST, WARP_END), rates, mixer inputs.
BASE, WARP_FIRST, WARP_END, LIMIT, RATE, INPUTS = range(4 * AREA, 4 * AREA + 6)
WORK_SIZE = 4 * AREA + 8

NODES = 64


@njit(cache=True, nogil=True, _nrt=False)
def mix_hash(a, b):
    """A 64-bit context key from two.  Unsigned: the overflow of a signed product is undefined in compiled code."""
    h = (np.uint64(a) ^ np.uint64(b + 0x5851F42D)) * np.uint64(0x9E3779B97F4A7C15)
    return np.int64(h ^ (h >> np.uint64(29)))
