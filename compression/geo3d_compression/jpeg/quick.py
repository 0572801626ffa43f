# mypy: allow-untyped-defs, no-check-untyped-defs
"""One binary decision of the quick model: six contexts, two mixers of sixteen inputs, secondary estimation, coder.

What a decision costs is mostly waiting for memory.  All tables together are therefore a tenth of `mixture`'s: they stay
in a processor's caches, and counters become inputs, and learn, in vector registers.  All arithmetic is on integers.

    inputs  = [[see `registers`]]
    weights = rows of sixteen: two sets of the first layer, the second layer (2 used), secondary estimators (33 of 48)
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d_compression.entropy.coder import code_bit
from geo3d_compression.entropy.lanes import LANES, dot, learn
from geo3d_compression.entropy.prefetch import prefetch
from geo3d_compression.entropy.registers import FACTS, MEMORY, PLACES, hear, teach
from geo3d_compression.entropy.tables import SQUASH, STRETCH, STRETCH_LIMIT
from geo3d_compression.jpeg.mixture import correct, refine
from geo3d_compression.jpeg.work import (
    APM_ROW,
    BASE,
    CLASS,
    LIMIT,
    NODES,
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
# Where the bias, two inputs of each context, and three of nothing are: the order in which trained weights are stored.
STORED = [6, *(i + 8 * k for i in range(CONTEXTS) for k in range(2)), 7, 14, 15]
ROWS = APM + 3 * _CLASSES * NODES * 16
# `STRETCH` in 4096 steps, and `SQUASH` in half the bytes: these fit into the first cache.
_STRETCH = np.ascontiguousarray(STRETCH[8::16])
_SQUASH = SQUASH.astype(np.uint16)


def scratch(rate: int, limit: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """`work` and `inputs`."""
    work = np.zeros(WORK_SIZE, np.int64)
    work[BASE], work[RATE], work[LIMIT] = CONTEXTS, rate, limit
    inputs = np.zeros((1, MEMORY), np.int32)
    return work, inputs


@njit(cache=True, nogil=True, _nrt=False)
def seek(work, to, group):
    """Find the counters of each context of an area for a group of decisions."""
    key = np.uint64(group + 1) * np.uint64(0xC2B2AE3D27D4EB4F)
    for i in range(CONTEXTS):
        h = (np.uint64(work[to + i]) + key) * np.uint64(0x9E3779B97F4A7C15)
        work[to + PLACES + i] = (i << TABLE_BITS) | (np.int64(h >> np.uint64(64 - _PLACE_BITS)) << 3)


@njit(cache=True, nogil=True, _nrt=False)
def expect(counters, work, to, group):
    """Ask for the counters of a group of decisions of an area, which may come."""
    key = np.uint64(group + 1) * np.uint64(0xC2B2AE3D27D4EB4F)
    for i in range(CONTEXTS):
        h = (np.uint64(work[to + i]) + key) * np.uint64(0x9E3779B97F4A7C15)
        prefetch(counters, (i << TABLE_BITS) | (np.int64(h >> np.uint64(64 - _PLACE_BITS)) << 3))


@njit(cache=True, nogil=True, _nrt=False)
def ask(counters, weights, work, to, node):
    """Ask for the memory that the decision `node` of an area will need."""
    for i in range(CONTEXTS):
        prefetch(counters, work[to + PLACES + i])
    ask_weights(weights, work, to, node)


@njit(cache=True, nogil=True, _nrt=False)
def ask_weights(weights, work, to, node):
    """Ask for the weights and the estimator of the decision `node` of an area."""
    a = work[to + CLASS] * NODES + node
    prefetch(weights, (a * 64 + work[to + ROW_0]) * LANES)
    prefetch(weights, (_SET_1 + a * 64 + work[to + ROW_1]) * LANES)
    estimator = APM * LANES + (a * 16 + work[to + APM_ROW]) * ESTIMATOR
    for i in range(0, ESTIMATOR, LANES):
        prefetch(weights, estimator + i)


@njit(cache=True, nogil=True, _nrt=False)
def advance(work, source):
    """Make another area the one that is coded now."""
    for i in range(CONTEXTS):
        work[i] = work[source + i]
        work[PLACES + i] = work[source + PLACES + i]
    for i in range(ROW_0, APM_ROW + 1):
        work[i] = work[source + i]


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _squash(x):
    """`entropy.models.squash` of a logit that is in its domain."""
    return np.int64(_SQUASH[np.uintp(x + STRETCH_LIMIT)])


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _mix(weights, start, inputs):
    """Weighted sum in the logistic domain, clipped; a weight of 1 is 65536, of which 1 / 1024 counts."""
    return min(max(np.int64(dot(weights, start, inputs, 0)) >> 10, -2815), 2815)


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def code(state, buffer, encode, counters, weights, work, inputs, node, slot, bit):
    """Encode `bit`, or decode one and return it.  `node`: which decision; `slot`: its counter in the place sought."""
    hear(counters, work, slot, _STRETCH, FACTS, inputs, 12, 1, 0, 0, CONTEXTS, 1)
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
    teach(counters, work, slot, inputs, 1, 0, 0, CONTEXTS, np.int32(bit), np.int32(work[LIMIT]))
    return bit
