# mypy: allow-untyped-defs, no-check-untyped-defs
"""One binary decision of the drawing model: counters -> two mixer layers -> secondary estimation -> coder.

The caller fills `work` with the hashed contexts of a coefficient; `code` is then called once a decision, in both
directions.  All arithmetic is on integers.

    work = [contexts (32) | slots (32) | inputs (64) | settings]
"""

from __future__ import annotations

import numpy as np
from numba import njit

from geo3d_compression.entropy.coder import code_bit
from geo3d_compression.entropy.models import (
    apm_refine,
    apm_update,
    counter_update,
    squash,
)
from geo3d_compression.entropy.tables import CONFIDENCE, STRETCH

CONTEXTS = 32
SLOTS = 32
INPUTS = 64
# Settings: active context ranges [0, BASE) and [WARP_FIRST, WARP_END), mixer rows, APM row, rates.
BASE, WARP_FIRST, WARP_END, ROW_0, ROW_1, ROW_2, CLASS, APM_ROW, LIMIT, RATE = range(128, 138)
WORK_SIZE = 144

BASE_CONTEXTS = 14
ALL_CONTEXTS = 20
INPUT_COUNT = 2 * ALL_CONTEXTS + 1
TABLE_BITS = 18

NODES = 64
# Four kinds of coefficients, without and with a prediction.
CLASSES = 8
ROWS_0 = CLASSES * NODES * 64
ROWS_1 = CLASSES * NODES * 64
ROWS_2 = CLASSES * NODES * 32
FINAL_ROWS = CLASSES * NODES
APM_ROWS = CLASSES * NODES * 16


@njit(cache=True, nogil=True, inline="always")
def mix_hash(a, b):
    """A 64-bit context key from two.  Unsigned: the overflow of a signed product is undefined in compiled code."""
    h = (np.uint64(a) ^ np.uint64(b + 0x5851F42D)) * np.uint64(0x9E3779B97F4A7C15)
    return np.int64(h ^ (h >> np.uint64(29)))


@njit(cache=True, nogil=True)
def code(state, buffer, counters, weights, final, apm, work, node, prefix, bit, encode):
    """Encode `bit`, or decode one and return it.  `node`: which decision; `prefix`: bits of it already known."""
    key = np.uint64(node + 64 * prefix + 1) * np.uint64(0xC2B2AE3D27D4EB4F)
    inputs = INPUTS
    for i in range(ALL_CONTEXTS):
        if i >= work[BASE] and not work[WARP_FIRST] <= i < work[WARP_END]:
            continue
        h = (np.uint64(work[i]) + key) * np.uint64(0x9E3779B97F4A7C15)
        slot = (i << TABLE_BITS) | np.int64(h >> np.uint64(64 - TABLE_BITS))
        work[SLOTS + i] = slot
        value = np.int64(counters[slot])
        sure = np.int64(CONFIDENCE[value & 1023])
        p = value >> 16
        work[inputs + 2 * i] = np.int64(STRETCH[p]) * sure >> 8
        work[inputs + 2 * i + 1] = (p - 32768) * sure >> 14
    work[inputs + 2 * ALL_CONTEXTS] = 256
    a = work[CLASS] * NODES + node
    r0 = (a * 64 + work[ROW_0]) * INPUT_COUNT
    r1 = (ROWS_0 + a * 64 + work[ROW_1]) * INPUT_COUNT
    r2 = (ROWS_0 + ROWS_1 + a * 32 + work[ROW_2]) * INPUT_COUNT
    base = 2 * work[BASE]
    first, last = 2 * work[WARP_FIRST], 2 * work[WARP_END]
    t0 = np.int64(weights[r0 + 2 * ALL_CONTEXTS]) * 256
    t1 = np.int64(weights[r1 + 2 * ALL_CONTEXTS]) * 256
    t2 = np.int64(weights[r2 + 2 * ALL_CONTEXTS]) * 256
    for i in range(base):
        x = work[inputs + i]
        t0 += x * weights[r0 + i]
        t1 += x * weights[r1 + i]
        t2 += x * weights[r2 + i]
    for i in range(first, last):
        x = work[inputs + i]
        t0 += x * weights[r0 + i]
        t1 += x * weights[r1 + i]
        t2 += x * weights[r2 + i]
    x0 = min(max(t0 >> 16, -2815), 2815)
    x1 = min(max(t1 >> 16, -2815), 2815)
    x2 = min(max(t2 >> 16, -2815), 2815)
    f = a * 3
    x = (x0 * final[f] + x1 * final[f + 1] + x2 * final[f + 2]) >> 16
    x = min(max(x, -2815), 2815)
    mixed = squash(x)
    refined = apm_refine(apm, a * 16 + work[APM_ROW], x)
    p = min(max((mixed + refined + 1) >> 1, 1), 65535)
    bit = code_bit(state, buffer, p, bit, encode)

    target = bit << 16
    rate = work[RATE]
    e0 = (target - squash(x0)) * rate
    e1 = (target - squash(x1)) * rate
    e2 = (target - squash(x2)) * rate
    for i in range(base):
        x_i = work[inputs + i]
        weights[r0 + i] += (x_i * e0 + (1 << 21)) >> 22
        weights[r1 + i] += (x_i * e1 + (1 << 21)) >> 22
        weights[r2 + i] += (x_i * e2 + (1 << 21)) >> 22
    for i in range(first, last):
        x_i = work[inputs + i]
        weights[r0 + i] += (x_i * e0 + (1 << 21)) >> 22
        weights[r1 + i] += (x_i * e1 + (1 << 21)) >> 22
        weights[r2 + i] += (x_i * e2 + (1 << 21)) >> 22
    i = 2 * ALL_CONTEXTS
    weights[r0 + i] += (256 * e0 + (1 << 21)) >> 22
    weights[r1 + i] += (256 * e1 + (1 << 21)) >> 22
    weights[r2 + i] += (256 * e2 + (1 << 21)) >> 22
    error = (target - mixed) * 8
    final[f] += (x0 * error + (1 << 21)) >> 22
    final[f + 1] += (x1 * error + (1 << 21)) >> 22
    final[f + 2] += (x2 * error + (1 << 21)) >> 22
    apm_update(apm, a * 16 + work[APM_ROW], x, bit, 6)
    limit = work[LIMIT]
    for i in range(ALL_CONTEXTS):
        if i >= work[BASE] and not work[WARP_FIRST] <= i < work[WARP_END]:
            continue
        slot = work[SLOTS + i]
        counters[slot] = counter_update(counters[slot], bit, limit)
    return bit


@njit(cache=True, nogil=True)
def code_value(state, buffer, counters, weights, final, apm, work, value, nonzero, encode):
    """A signed integer below 2^17 in magnitude: zero?, sign, length in unary, then the bits below the highest."""
    if not nonzero:
        bit = np.int64(value != 0)
        if code(state, buffer, counters, weights, final, apm, work, 0, 0, bit, encode) == 0:
            return np.int64(0)
    negative = code(state, buffer, counters, weights, final, apm, work, 1, 0, np.int64(value < 0), encode)
    magnitude = abs(value)
    length = 1
    while length < 17:
        node = 1 + min(length, 12)
        bit = np.int64(magnitude >> length != 0)
        if code(state, buffer, counters, weights, final, apm, work, node, length, bit, encode) == 0:
            break
        length += 1
    result = np.int64(1)
    for at in range(length - 2, -1, -1):
        depth = length - 2 - at
        node = 14 + min(length, 14) if depth == 0 else 30 + min(length, 12)
        prefix = result if depth < 3 else np.int64(8 + depth)
        bit = code(state, buffer, counters, weights, final, apm, work, node, prefix, (magnitude >> at) & 1, encode)
        result = result << 1 | bit
    return -result if negative else result
