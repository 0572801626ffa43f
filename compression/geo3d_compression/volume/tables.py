"""Tables of the logistic distribution in double precision, made of integers so that no libm can move an entry.

`CDF`     1 / (1 + exp(-u)) for u from -`CDF_RANGE` in steps of 1 / `CDF_STEPS`
`LOG`     ln(i / 4096), entry 0 is ln(1 / 16384)
`SQUASH`  1 / (1 + exp(-x)) for x from -`SQUASH_RANGE` in steps of 1 / `SQUASH_STEPS`
`EXP2`    2^(k / 64) for k from -`EXP2_RANGE` to `EXP2_RANGE`
`LOG_PAIRS`  [4097, 2]: ln(i / 4096) and ln(1 - i / 4096)
`QUANTILE`  ln(q / (1 - q)) for the dyadic q of the nodes of a binary tree, node 1 = median, 2 and 3 = quartiles
"""

from __future__ import annotations

from math import isqrt

import numpy as np
from numpy.typing import NDArray

CDF_RANGE = 20
CDF_STEPS = 64
SQUASH_RANGE = 12
SQUASH_STEPS = 128
LOG_STEPS = 4096
EXP2_RANGE = 256
TREE_DEPTH = 4

_ONE = 1 << 96


def _exp_of_fraction(denominator: int) -> int:
    """exp(1 / denominator) * 2^96 by its Taylor series."""
    total, term = _ONE, _ONE
    for k in range(1, 30):
        term //= denominator * k
        total += term
    return total


def _logistic(span: int, steps: int) -> NDArray[np.float64]:
    """The logistic function at -span, ..., span in steps of 1 / steps, and one entry more."""
    step = _exp_of_fraction(steps)
    upper, power = [], _ONE
    for _ in range(span * steps + 2):
        upper.append((power << 64) // (power + _ONE))
        power = power * step >> 96
    lower = [(1 << 64) - u for u in upper[span * steps : 0 : -1]]
    return np.array([u / (1 << 64) for u in lower + upper])


def _logarithm(numerator: int, denominator: int) -> float:
    """ln(numerator / denominator) by 2 artanh((a - b) / (a + b)) after taking out powers of two."""
    halvings = 0
    while 2 * numerator < denominator:
        numerator *= 2
        halvings += 1
    z = ((numerator - denominator) << 96) // (numerator + denominator)
    square, power, total = z * z >> 96, z, 0
    for k in range(1, 120, 2):
        total += power // k
        power = power * square >> 96
    return (2 * total - halvings * _LN2) / _ONE


def _ln2() -> int:
    z = _ONE // 3
    power, total = z, 0
    for k in range(1, 120, 2):
        total += power // k
        power = power // 9
    return 2 * total


_LN2 = _ln2()

CDF: NDArray[np.float64] = _logistic(CDF_RANGE, CDF_STEPS)
SQUASH: NDArray[np.float64] = _logistic(SQUASH_RANGE, SQUASH_STEPS)
LOG: NDArray[np.float64] = np.array([_logarithm(max(4 * i, 1), 4 * LOG_STEPS) for i in range(LOG_STEPS + 1)])

# `LOG` from both ends, so that one place of a cache has all that a logit is interpolated from.
LOG_PAIRS: NDArray[np.float64] = np.stack([LOG, LOG[::-1]], 1)


def _quantiles() -> NDArray[np.float64]:
    z = np.zeros(1 << TREE_DEPTH)
    for node in range(1, 1 << TREE_DEPTH):
        depth = node.bit_length() - 1
        below, total = 2 * (node - (1 << depth)) + 1, 2 << depth
        z[node] = _logarithm(below, total) - _logarithm(total - below, total)
    return z


QUANTILE: NDArray[np.float64] = _quantiles()


def _power_of_two(k: int) -> float:
    """2^(k / 64) by six square roots in 512 bits of fraction."""
    one = 1 << 512
    x = one << k if k >= 0 else one >> -k
    for _ in range(6):
        x = isqrt(x * one)
    return x / one


EXP2: NDArray[np.float64] = np.array([_power_of_two(k) for k in range(-EXP2_RANGE, EXP2_RANGE + 1)])
