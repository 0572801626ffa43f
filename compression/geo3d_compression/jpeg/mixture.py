# mypy: allow-untyped-defs, no-check-untyped-defs
"""One binary decision of the coefficient model: counters -> two mixer layers -> secondary estimation -> coder.

The caller fills `work` with the hashed contexts of a coefficient.  `seek` finds the counters of each context, eight in
a row for the decisions that follow one another (one cache line, one hash); `code` codes each decision, in both
directions.  All arithmetic is on integers; mixer inputs and weights are int32, and no product of theirs leaves 32 bits,
so that sixteen are taken at a time.

    inputs = [[three blocks of `registers`: contexts 0 to 7; 8 to 13 and the bias; those of a prediction, 14 to 19]]
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d_compression.entropy.coder import code_bit
from geo3d_compression.entropy.lanes import LANES, dot, learn
from geo3d_compression.entropy.models import APM_STEP, squash
from geo3d_compression.entropy.prefetch import prefetch
from geo3d_compression.entropy.registers import FACTS, PLACES, hear, teach
from geo3d_compression.entropy.tables import STRETCH
from geo3d_compression.jpeg.work import (
    APM_ROW,
    BASE,
    CLASS,
    INPUTS,
    LIMIT,
    NODES,
    RATE,
    ROW_0,
    ROW_1,
    ROW_2,
    WARP_END,
    WARP_FIRST,
    WORK_SIZE,
)

BASE_CONTEXTS = 14
ALL_CONTEXTS = 20
FEW_CONTEXTS = 6
_BLOCKS = 3
INPUT_COUNT = _BLOCKS * LANES
BIAS = LANES + 6
# Where the bias, nothing, two inputs of each context, and six of nothing are: the order in which trained weights are
# stored.
_PLACES = [*range(8), *range(16, 22), *range(32, 38)]
STORED = [BIAS, BIAS + 1, *(p + 8 * k for p in _PLACES for k in range(2)), 30, 31, 38, 39, 46, 47]
# Each context has 2^16 places of 8 counters.
_PLACE_BITS = 16
TABLE_BITS = _PLACE_BITS + 3

# Four kinds of coefficients, without and with a prediction.
CLASSES = 8
# Rows of the weights: three sets of the first layer, the second layer (3 used), secondary estimators (33 used).
_SET_1 = CLASSES * NODES * 64
_SET_2 = 2 * _SET_1
FINAL = _SET_2 + CLASSES * NODES * 32
APM = FINAL + CLASSES * NODES
ROWS = APM + CLASSES * NODES * 16


def scratch(contexts: int, warped: bool, rate: int, limit: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """`work` and `inputs` for the first `contexts` contexts, and those of a prediction."""
    work = np.zeros(WORK_SIZE, np.int64)
    work[BASE], work[RATE], work[LIMIT] = contexts, rate, limit
    if warped:
        work[WARP_FIRST], work[WARP_END] = BASE_CONTEXTS, ALL_CONTEXTS
    work[INPUTS] = (_BLOCKS if warped else _BLOCKS - 1) * LANES
    inputs = np.zeros(2 * _BLOCKS * LANES, np.int32)
    inputs[BIAS] = 256
    return work, inputs


@njit(cache=True, nogil=True, _nrt=False)
def _seek(work, to, first, end, key):
    for i in range(first, end):
        h = (np.uint64(work[to + i]) + key) * np.uint64(0x9E3779B97F4A7C15)
        work[to + PLACES + i] = (i << TABLE_BITS) | (np.int64(h >> np.uint64(64 - _PLACE_BITS)) << 3)


@njit(cache=True, nogil=True, _nrt=False)
def seek(work, to, group):
    """Find the counters of each active context of an area for a group of decisions."""
    key = np.uint64(group + 1) * np.uint64(0xC2B2AE3D27D4EB4F)
    _seek(work, to, 0, work[BASE], key)
    _seek(work, to, work[WARP_FIRST], work[WARP_END], key)


@njit(cache=True, nogil=True, _nrt=False)
def _ask_row(weights, row):
    for i in range(0, INPUT_COUNT, LANES):
        prefetch(weights, row * INPUT_COUNT + i)


@njit(cache=True, nogil=True, _nrt=False)
def ask(counters, weights, work, to, node):
    """Ask for the memory that the decision `node` of an area will need."""
    for i in range(work[BASE]):
        prefetch(counters, work[to + PLACES + i])
    for i in range(work[WARP_FIRST], work[WARP_END]):
        prefetch(counters, work[to + PLACES + i])
    a = work[to + CLASS] * NODES + node
    _ask_row(weights, a * 64 + work[to + ROW_0])
    _ask_row(weights, _SET_1 + a * 64 + work[to + ROW_1])
    _ask_row(weights, _SET_2 + a * 32 + work[to + ROW_2])
    _ask_row(weights, APM + a * 16 + work[to + APM_ROW])


@njit(cache=True, nogil=True, _nrt=False)
def advance(work, source):
    """Make another area the one that is coded now."""
    for i in range(ALL_CONTEXTS):
        work[i] = work[source + i]
        work[PLACES + i] = work[source + PLACES + i]
    for i in range(ROW_0, APM_ROW + 1):
        work[i] = work[source + i]


@njit(cache=True, nogil=True, _nrt=False)
def _listen(counters, work, inputs, slot):
    """What the counters of all active contexts tell the mixers."""
    if work[BASE] == BASE_CONTEXTS:
        hear(counters, work, slot, STRETCH, FACTS, inputs, 16, _BLOCKS, 0, 0, 8, 0)
        hear(counters, work, slot, STRETCH, FACTS, inputs, 16, _BLOCKS, 1, 8, 6, 1)
    else:
        hear(counters, work, slot, STRETCH, FACTS, inputs, 16, _BLOCKS, 0, 0, FEW_CONTEXTS, 0)
    if work[WARP_END] > 0:
        hear(counters, work, slot, STRETCH, FACTS, inputs, 16, _BLOCKS, 2, BASE_CONTEXTS, 6, 0)


@njit(cache=True, nogil=True, _nrt=False)
def _teach(counters, work, inputs, slot, bit, limit):
    """Update these counters."""
    if work[BASE] == BASE_CONTEXTS:
        teach(counters, work, slot, inputs, _BLOCKS, 0, 0, 8, bit, limit)
        teach(counters, work, slot, inputs, _BLOCKS, 1, 8, 6, bit, limit)
    else:
        teach(counters, work, slot, inputs, _BLOCKS, 0, 0, FEW_CONTEXTS, bit, limit)
    if work[WARP_END] > 0:
        teach(counters, work, slot, inputs, _BLOCKS, 2, BASE_CONTEXTS, 6, bit, limit)


@njit(cache=True, nogil=True, _nrt=False)
def _mix(weights, row, inputs, count):
    """Weighted sum in the logistic domain, clipped; a weight of 1 is 65536, of which 1 / 1024 counts."""
    total = np.int32(0)
    for block in range(0, count, LANES):
        total = np.int32(total + dot(weights, row * INPUT_COUNT + block, inputs, block))
    return min(max(np.int64(total) >> 10, -2815), 2815)


@njit(cache=True, nogil=True, _nrt=False)
def _learn(weights, row, inputs, count, error):
    """Gradient step; `error` in 1 / 1024 of the 16-bit error times the rate."""
    e = np.int32(error)
    for block in range(0, count, LANES):
        learn(weights, row * INPUT_COUNT + block, inputs, block, e)


@njit(cache=True, nogil=True, _nrt=False)
def refine(table, start, x):
    """`entropy.models.apm_refine` in a flat table."""
    position = x + 2816
    low = position // APM_STEP
    part = position - low * APM_STEP
    at = start + low
    return (np.int64(table[at]) * (APM_STEP - part) + np.int64(table[at + 1]) * part) // APM_STEP


@njit(cache=True, nogil=True, _nrt=False)
def correct(table, start, x, bit):
    """`entropy.models.apm_update` in a flat table."""
    at = start + (x + 2816 + APM_STEP // 2) // APM_STEP
    p = np.int64(table[at])
    p += ((bit << 16) - p) >> 6
    table[at] = np.int32(min(max(p, 16), 65520))


@njit(cache=True, nogil=True, _nrt=False)
def code(state, buffer, encode, counters, weights, work, inputs, node, slot, bit):
    """Encode `bit`, or decode one and return it.  `node`: which decision; `slot`: its counter in the place sought."""
    count = work[INPUTS]
    _listen(counters, work, inputs, slot)
    a = work[CLASS] * NODES + node
    r0 = a * 64 + work[ROW_0]
    r1 = _SET_1 + a * 64 + work[ROW_1]
    r2 = _SET_2 + a * 32 + work[ROW_2]
    x0 = _mix(weights, r0, inputs, count)
    x1 = _mix(weights, r1, inputs, count)
    x2 = _mix(weights, r2, inputs, count)
    f = (FINAL + a) * INPUT_COUNT
    x = (x0 * np.int64(weights[f]) + x1 * np.int64(weights[f + 1]) + x2 * np.int64(weights[f + 2])) >> 16
    x = min(max(x, -2815), 2815)
    mixed = squash(x)
    estimator = (APM + a * 16 + work[APM_ROW]) * INPUT_COUNT
    refined = refine(weights, estimator, x)
    p = min(max((mixed + refined + 1) >> 1, 1), 65535)
    bit = code_bit(state, buffer, p, bit, encode)

    target = bit << 16
    rate = work[RATE]
    _learn(weights, r0, inputs, count, ((target - squash(x0)) * rate + 512) >> 10)
    _learn(weights, r1, inputs, count, ((target - squash(x1)) * rate + 512) >> 10)
    _learn(weights, r2, inputs, count, ((target - squash(x2)) * rate + 512) >> 10)
    error = (target - mixed) * 8
    weights[f] += (x0 * error + (1 << 21)) >> 22
    weights[f + 1] += (x1 * error + (1 << 21)) >> 22
    weights[f + 2] += (x2 * error + (1 << 21)) >> 22
    correct(weights, estimator, x, bit)
    _teach(counters, work, inputs, slot, np.int32(bit), np.int32(work[LIMIT]))
    return bit
