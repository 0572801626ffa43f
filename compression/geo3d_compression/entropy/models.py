# mypy: allow-untyped-defs, no-check-untyped-defs
"""Adaptive binary models in integers: counters, the logistic mixer, and secondary estimation.

The parts of the PAQ family (M. Mahoney, "Adaptive weighing of context models for lossless data compression", 2005),
as functions on plain arrays that inline into a codec's hot loop.  All arithmetic is on integers, so that an encoder and
a decoder on different machines compute the same bits.

    counters (hashed by context) --stretch--> inputs --mixer--> logit --squash--> APM --> probability --> coder
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d_compression.entropy.tables import CONFIDENCE, RECIPROCAL, SQUASH, STRETCH, STRETCH_LIMIT

WEIGHT_ONE = 65536
WEIGHT_LIMIT = 16 * WEIGHT_ONE

APM_STEP = 176
APM_SIZE = 33


def new_counters(size: int) -> NDArray[np.uint32]:
    """`size` counters at probability one half that have seen nothing: 22 bits of probability, 10 bits of count."""
    return np.full(size, 1 << 31, np.uint32)


def new_mixer(sets: int, inputs: int, weight: float) -> NDArray[np.int32]:
    """Weights [sets, inputs], all `weight`."""
    return np.full((sets, inputs), round(weight * WEIGHT_ONE), np.int32)


def new_apm(contexts: int) -> NDArray[np.int32]:
    """Secondary estimator [contexts, 33] that starts as the identity; entries are probabilities * 2^16."""
    points = np.clip(np.arange(APM_SIZE) * APM_STEP - 2816, -STRETCH_LIMIT, STRETCH_LIMIT)
    return np.tile(SQUASH[points + STRETCH_LIMIT], (contexts, 1)).astype(np.int32)


@njit(cache=True, nogil=True, inline="always")
def squash(x):
    """Logistic domain (1/256) to a 16-bit probability; clips."""
    return np.int64(SQUASH[min(max(x, -STRETCH_LIMIT), STRETCH_LIMIT) + STRETCH_LIMIT])


@njit(cache=True, nogil=True, inline="always")
def stretch(p):
    """16-bit probability to the logistic domain."""
    return np.int64(STRETCH[p])


@njit(cache=True, nogil=True, inline="always")
def counter_input(slot):
    """What a counter tells the mixer: its stretched probability, drawn to zero while it has seen little."""
    value = np.int64(slot)
    return np.int64(STRETCH[value >> 16]) * np.int64(CONFIDENCE[value & 1023]) >> 8


@njit(cache=True, nogil=True, inline="always")
def counter_update(slot, bit, limit):
    """The counter after `bit`: a step of 1 / (n + 1.6) of the error, n saturating at `limit`."""
    value = np.int64(slot)
    count = value & 1023
    p = value >> 10
    p += (((bit << 22) - p) >> 3) * np.int64(RECIPROCAL[count]) >> 13
    p = min(max(p, 64), (1 << 22) - 65)
    if count < limit:
        count += 1
    return np.uint32((p << 10) | count)


@njit(cache=True, nogil=True, inline="always")
def mixer_dot(weights, row, inputs, count):
    """Weighted sum of `inputs` (logistic domain) under weight set `row`, clipped to the domain."""
    total = np.int64(0)
    for i in range(count):
        total += np.int64(weights[row, i]) * np.int64(inputs[i])
    return min(max(total >> 16, -STRETCH_LIMIT), STRETCH_LIMIT)


@njit(cache=True, nogil=True, inline="always")
def mixer_update(weights, row, inputs, count, error, rate):
    """Gradient step on the coding cost: w += rate * input * error / 2^22.  `error` = bit * 65536 - p."""
    for i in range(count):
        w = np.int64(weights[row, i]) + ((np.int64(inputs[i]) * error * rate + (1 << 21)) >> 22)
        weights[row, i] = np.int32(min(max(w, -WEIGHT_LIMIT), WEIGHT_LIMIT))


@njit(cache=True, nogil=True, inline="always")
def apm_refine(table, context, x):
    """Probability for logit `x` in `context`, interpolated between the two nearest points."""
    position = x + 2816
    low = position // APM_STEP
    part = position - low * APM_STEP
    return (np.int64(table[context, low]) * (APM_STEP - part) + np.int64(table[context, low + 1]) * part) // APM_STEP


@njit(cache=True, nogil=True, inline="always")
def apm_update(table, context, x, bit, shift):
    """Move the nearer point towards `bit` by 2^-shift of its error."""
    nearest = (x + 2816 + APM_STEP // 2) // APM_STEP
    p = np.int64(table[context, nearest])
    p += ((bit << 16) - p) >> shift
    table[context, nearest] = np.int32(min(max(p, 16), 65520))


@njit(cache=True, nogil=True, inline="always")
def hash_index(key, bits):
    """Slot of a 64-bit context key in a table of 2^bits counters (Fibonacci hashing)."""
    h = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)
    h ^= h >> np.uint64(29)
    h *= np.uint64(0xBF58476D1CE4E5B9)
    return np.int64(h >> np.uint64(64 - bits))
