"""Constant tables of the rich model, in integers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Predictions are in sixteenths of a step of the channel.
UNIT_BITS = 4
UNIT = 1 << UNIT_BITS
HALF = UNIT // 2

# Weights by squared distance in quarter cells: 1 / d^4, 1 / d^2, 1 / d^6, and 1 / d^4 with more bits.
FOURTH, SECOND, SIXTH, FINE = range(4)
FARTHEST = 2047


def _weights() -> NDArray[np.int64]:
    square = np.arange(1, FARTHEST + 1, dtype=np.int64)
    table = np.ones((4, FARTHEST + 1), np.int64)
    table[FOURTH, 1:] = (1 << 22) // square**2
    table[SECOND, 1:] = (1 << 16) // square
    table[SIXTH, 1:] = (1 << 30) // square**3
    table[FINE, 1:] = (1 << 26) // square**2
    return np.maximum(table, 1)


WEIGHTS: NDArray[np.int64] = _weights()

# Kinds of places: the 7^3 around the point, then distances.
SIDE = 7
REACH = 3
PLACES = SIDE**3 + 32
# The least squares tell apart the places within squared distance 6.
_SLOT_SQUARE = 6


def _slots() -> NDArray[np.int64]:
    steps = np.arange(-REACH, REACH + 1)
    square = np.add.outer(np.add.outer(steps**2, steps**2), steps**2).reshape(-1)
    result = np.full(PLACES, -1, np.int64)
    inside = np.flatnonzero((square > 0) & (square <= _SLOT_SQUARE))
    result[inside] = np.arange(len(inside))
    return result


# [PLACES] input of the least squares that a place has, or -1.
SLOT: NDArray[np.int64] = _slots()
SLOTS = int(SLOT.max()) + 1

# The logistic distribution function in 1 / 2^30, arguments from -CDF_RANGE in steps of 1 / 64.
CDF_RANGE = 20
CDF_ONE = 1 << 30


def _logistic() -> NDArray[np.int64]:
    one = 1 << 96
    # exp(1/64) by its Taylor series in fixed point.
    step, term = one, one
    for k in range(1, 30):
        term //= 64 * k
        step += term
    upper, power = [], one
    for _ in range(64 * CDF_RANGE + 2):
        upper.append((CDF_ONE * power + (power + one) // 2) // (power + one))
        power = power * step >> 96
    lower = [CDF_ONE - u for u in upper[64 * CDF_RANGE : 0 : -1]]
    return np.array(lower + upper, np.int64)


CDF: NDArray[np.int64] = _logistic()
