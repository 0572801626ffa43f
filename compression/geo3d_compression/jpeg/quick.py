# mypy: allow-untyped-defs, no-check-untyped-defs
"""One binary decision of the quick model: six contexts, two mixers of sixteen inputs, secondary estimation, coder.

What a decision costs is mostly waiting for memory.  All tables together are therefore a tenth of `mixture`'s: they stay
in a processor's caches.  All arithmetic is on integers.

    inputs  = [[256 (bias) | two of each context | zeros]]
    weights = rows of sixteen: two sets of the first layer, the second layer (2 used), secondary estimators (33 of 48)
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d_compression.entropy.coder import code_bit
from geo3d_compression.entropy.lanes import LANES, dot, learn
from geo3d_compression.entropy.models import counter_update
from geo3d_compression.entropy.tables import CONFIDENCE, SQUASH, STRETCH, STRETCH_LIMIT
from geo3d_compression.jpeg.mixture import correct, refine
from geo3d_compression.jpeg.work import (
    APM_ROW,
    BASE,
    CLASS,
    LIMIT,
    NODES,
    PLACES,
    RATE,
    ROW_0,
    ROW_1,
    WORK_SIZE,
)

CONTEXTS = 6
# Each context has 2^14 places of 8 counters.
_PLACE_BITS = 14
TABLE_BITS = _PLACE_BITS + 3
_CLASSES = 4
_SET_1 = _CLASSES * NODES * 64
FINAL = 2 * _SET_1
APM = FINAL + _CLASSES * NODES
ESTIMATOR = 3 * LANES
ROWS = APM + 3 * _CLASSES * NODES * 16
# `STRETCH` in 4096 steps, and `SQUASH` in half the bytes: these fit into the first cache.
_STRETCH = np.ascontiguousarray(STRETCH[8::16])
_SQUASH = SQUASH.astype(np.uint16)


def scratch(rate: int, limit: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """`work` and `inputs`."""
    work = np.zeros(WORK_SIZE, np.int64)
    work[BASE], work[RATE], work[LIMIT] = CONTEXTS, rate, limit
    inputs = np.zeros((1, LANES), np.int32)
    inputs[0, 0] = 256
    return work, inputs


@njit(cache=True, nogil=True, _nrt=False)
def seek(work, group):
    """Find the counters of each context for a group of decisions."""
    key = np.uint64(group + 1) * np.uint64(0xC2B2AE3D27D4EB4F)
    for i in range(CONTEXTS):
        h = (np.uint64(work[i]) + key) * np.uint64(0x9E3779B97F4A7C15)
        work[PLACES + i] = (i << TABLE_BITS) | (np.int64(h >> np.uint64(64 - _PLACE_BITS)) << 3)


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _squash(x):
    """`entropy.models.squash` of a logit that is in its domain."""
    return np.int64(_SQUASH[np.uintp(x + STRETCH_LIMIT)])


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _mix(weights, start, inputs):
    """Weighted sum in the logistic domain, clipped; a weight of 1 is 65536, of which 1 / 1024 counts."""
    return min(max(np.int64(dot(weights, start, inputs, 0)) >> 10, -2815), 2815)


@njit(cache=True, nogil=True, _nrt=False)
def code(state, buffer, encode, counters, weights, work, inputs, node, slot, bit):
    """Encode `bit`, or decode one and return it.  `node`: which decision; `slot`: its counter in the place sought."""
    for i in range(CONTEXTS):
        value = np.int64(counters[np.uintp(work[PLACES + i] + slot)])
        sure = np.int64(CONFIDENCE[value & 1023])
        p = value >> 16
        inputs[0, 2 * i + 1] = np.int32(np.int64(_STRETCH[p >> 4]) * sure >> 8)
        inputs[0, 2 * i + 2] = np.int32((p - 32768) * sure >> 14)
    a = work[CLASS] * NODES + node
    r0 = np.uintp((a * 64 + work[ROW_0]) * LANES)
    r1 = np.uintp((_SET_1 + a * 64 + work[ROW_1]) * LANES)
    x0 = _mix(weights, r0, inputs)
    x1 = _mix(weights, r1, inputs)
    f = np.uintp((FINAL + a) * LANES)
    x = (x0 * np.int64(weights[f]) + x1 * np.int64(weights[f + np.uintp(1)])) >> 16
    x = min(max(x, -2815), 2815)
    mixed = _squash(x)
    estimator = APM * LANES + (a * 16 + work[APM_ROW]) * ESTIMATOR
    refined = refine(weights, estimator, x)
    p = min(max((mixed + refined + 1) >> 1, 1), 65535)
    bit = code_bit(state, buffer, p, bit, encode)

    target = bit << 16
    rate = work[RATE]
    learn(weights, r0, inputs, 0, np.int32(((target - _squash(x0)) * rate + 512) >> 10))
    learn(weights, r1, inputs, 0, np.int32(((target - _squash(x1)) * rate + 512) >> 10))
    error = (target - mixed) * 8
    weights[f] += (x0 * error + (1 << 21)) >> 22
    weights[f + np.uintp(1)] += (x1 * error + (1 << 21)) >> 22
    correct(weights, estimator, x, bit)
    limit = work[LIMIT]
    for i in range(CONTEXTS):
        at = np.uintp(work[PLACES + i] + slot)
        counters[at] = counter_update(counters[at], bit, limit)
    return bit
