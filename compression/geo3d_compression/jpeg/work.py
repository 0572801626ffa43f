# mypy: allow-untyped-defs, no-check-untyped-defs
"""The scratch array that the kernels of the coefficient model share, and the hash of their contexts.

work = [contexts (32) | places of their counters (32) | settings]
"""

from __future__ import annotations

import numpy as np
from numba import njit

PLACES = 32
# Settings: active context ranges [0, BASE) and [WARP_FIRST, WARP_END), mixer rows, APM row, rates, mixer inputs.
BASE, WARP_FIRST, WARP_END, ROW_0, ROW_1, ROW_2, CLASS, APM_ROW, LIMIT, RATE, INPUTS = range(64, 75)
WORK_SIZE = 80

NODES = 64


@njit(cache=True, nogil=True, _nrt=False)
def mix_hash(a, b):
    """A 64-bit context key from two.  Unsigned: the overflow of a signed product is undefined in compiled code."""
    h = (np.uint64(a) ^ np.uint64(b + 0x5851F42D)) * np.uint64(0x9E3779B97F4A7C15)
    return np.int64(h ^ (h >> np.uint64(29)))
