# mypy: allow-untyped-defs, no-check-untyped-defs
"""Contexts of a value: keys of the counters, rows of the mixers, and the contexts of the scale."""

from __future__ import annotations

import numpy as np
from geo3d_compression.attributes.channels import log_class, signed_class
from geo3d_compression.attributes.narrow.predictors import COMPARED
from geo3d_compression.attributes.narrow.regression import clip
from geo3d_compression.attributes.narrow.state import (
    ALIKE,
    CLASSES,
    CONTEXTS,
    FAST,
    FOURTH_MEAN,
    KINDS,
    LEVELS,
    LINE,
    MATCH,
    NODES,
    WIDE,
)
from geo3d_compression.attributes.narrow.tables import HALF, SECOND, UNIT, UNIT_BITS, WEIGHTS
from numba import njit

_TOP_CLASS = 21
_FAR = 1 << 20


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def surprise(t, c, k, values, guess):
    """How much higher than guessed the channel k before this one was, in sixteenths; 0 where there is none."""
    return UNIT * values[t, c - k] - guess[c - k] if c >= k else np.int64(0)


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def unrest(t, c, count, near, values, error, guesses, around):
    """Classes of the errors at the neighbours, of their spread, and of the known channels' surprise."""
    guess = guesses[c]
    weight, errors, spread = np.int64(0), np.int64(0), np.int64(0)
    for i in range(min(count, COMPARED)):
        w = WEIGHTS[SECOND, around.square[i]]
        weight += w
        errors += w * min(abs(np.int64(error[near[t, i], c])), _FAR)
        spread += w * min(abs(UNIT * around.values[c, i] - guess), _FAR)
    weight = max(weight, 1)
    known = abs(surprise(t, c, 1, values, guesses)) + abs(surprise(t, c, 2, values, guesses))
    return (
        min(log_class(errors // weight >> 1), _TOP_CLASS),
        min(log_class(spread // weight >> 1), _TOP_CLASS),
        min(log_class(known >> 1), _TOP_CLASS),
    )


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def _sign(x):
    return min(max(signed_class(x), -63), 63) + 64


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def set_contexts(t, c, p, count, level, errors, spread, known, values, work):
    """Keys and rows for channel c of point t, whose best guess is nearest to p."""
    guess, mean, around = work.guess[c], work.odds.mean, work.around
    keys, rows, near = work.keys.keys, work.keys.rows, around.values[c]
    s1, s2 = (
        surprise(t, c, 1, values, work.guess) + HALF >> UNIT_BITS,
        surprise(t, c, 2, values, work.guess) + HALF >> UNIT_BITS,
    )
    d0 = _sign(near[0] - p) if count > 0 else np.int64(0)
    d1 = _sign(near[1] - p) if count > 1 else np.int64(0)
    d2 = _sign(near[2] - p) if count > 2 else np.int64(0)
    v1 = values[t, c - 1] if c > 0 else d0
    v2 = values[t, c - 2] if c > 1 else np.int64(0)
    matches, residual = np.int64(0), work.inputs.features[2]
    for i in range(count):
        matches += np.int64(around.match[i] >= min(c, 3))
    half_spread, half_errors = spread >> 1, errors >> 1
    keys[0] = guess - UNIT * p + HALF
    keys[1] = errors * 32 + spread
    keys[2] = (errors * 128 + _sign(s1)) * 128 + _sign(s2)
    keys[3] = (d0 * 128 + d1) * 64 + half_spread
    keys[4] = (_sign(s1) * 128 + _sign(s2)) * 64 + half_spread
    keys[5] = (p >> 2) * 64 + half_errors
    keys[6] = (d0 * 128 + _sign(s1)) * 16 + min(count, 15)
    keys[7] = (d0 * 128 + d1) * 128 + d2
    keys[8] = _sign(mean[WIDE] - guess >> 1) * 64 + errors
    keys[9] = _sign(mean[FAST] - guess >> 1) * 64 + errors
    keys[10] = _sign(mean[FOURTH_MEAN] - guess >> 1) * 64 + errors
    keys[11] = _sign(mean[ALIKE] - guess >> 1) * 64 + known
    keys[12] = _sign(mean[LINE] - guess >> 1) * 64 + known
    keys[13] = (clip((mean[MATCH] >> UNIT_BITS) - p, 40) + 40) * 64 + min(matches, 7) * 8 + min(half_errors, 7)
    keys[14] = (clip(s1, 100) + 100) * 256 + clip(s2, 100) + 100 if c > 0 else errors
    keys[15] = ((p << 16) + v1 << 16) + v2
    keys[16] = (level * 32 + count) * 32 + errors
    keys[17] = _sign(residual) * 32 + spread
    for i in range(CONTEXTS):
        # Channels learn apart from each other.
        keys[i] = (keys[i] * 16 + c) * 32 + i
    C = values.shape[1]
    other = known if c > 0 else spread
    first = NODES * C
    rows[0] = NODES * c
    rows[1] = first + (c * CLASSES + errors) * KINDS
    rows[2] = first + (C * CLASSES + c * CLASSES + other) * KINDS
    rows[3] = first + (2 * C * CLASSES + (c * LEVELS + min(level, LEVELS - 1)) * CLASSES + count) * KINDS
