"""Logistic tables in integers: `squash` and `stretch`, and the reciprocals of the adaptive counters.

Everything is built with Python integers, so that no libm can move an entry between machines.

Units: probabilities are 16-bit integers, P(bit = 1) * 65536 in [1, 65535].  The logistic domain is ln(p / (1 - p)) in
steps of 1/256, clipped to +-`STRETCH_LIMIT`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STRETCH_ONE = 256
STRETCH_LIMIT = 2815
PROBABILITY_ONE = 65536
COUNT_LIMIT = 1023

_FRACTION_BITS = 96


def _squash_table() -> NDArray[np.int32]:
    """65536 / (1 + exp(-x / 256)), rounded, for x in [-2815, 2815]; index x + 2815."""
    one = 1 << _FRACTION_BITS
    # exp(1/256) by its Taylor series in fixed point.
    step, term = one, one
    for k in range(1, 24):
        term = term // (256 * k)
        step += term
    upper = np.zeros(STRETCH_LIMIT + 1, np.int32)
    power = one
    for x in range(STRETCH_LIMIT + 1):
        # 1 / (1 + exp(-x)) = exp(x) / (1 + exp(x)).
        upper[x] = min((2 * PROBABILITY_ONE * power // (power + one) + 1) // 2, PROBABILITY_ONE - 1)
        power = power * step >> _FRACTION_BITS
    return np.concatenate([PROBABILITY_ONE - upper[:0:-1], upper]).astype(np.int32)


def _stretch_table(squash: NDArray[np.int32]) -> NDArray[np.int16]:
    """The inverse of `squash` for every 16-bit probability: the x whose squash is nearest, ties to the smaller."""
    p = np.arange(PROBABILITY_ONE)
    right = np.clip(np.searchsorted(squash, p), 1, len(squash) - 1)
    nearer_left = p - squash[right - 1] <= squash[right] - p
    table = (right - nearer_left - STRETCH_LIMIT).astype(np.int16)
    return np.where(p == PROBABILITY_ONE // 2, 0, table).astype(np.int16)


SQUASH: NDArray[np.int32] = _squash_table()
STRETCH: NDArray[np.int16] = _stretch_table(SQUASH)

# 65536 / (n + 1.6): the step of a counter that has seen n bits.  The 1.6 gives the Krichevsky-Trofimov-like start.
RECIPROCAL: NDArray[np.int32] = (655360 // (10 * np.arange(COUNT_LIMIT + 1) + 16)).astype(np.int32)

# 256 * n / (n + 1.5): how far a counter that has seen n bits is believed when it is mixed.
CONFIDENCE: NDArray[np.int32] = (512 * np.arange(COUNT_LIMIT + 1) // (2 * np.arange(COUNT_LIMIT + 1) + 3)).astype(
    np.int32
)
