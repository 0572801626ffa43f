# mypy: allow-untyped-defs, no-check-untyped-defs
"""The values that ranks 0 ... size - 1 stand for, rising, and where thresholds between them lie.

dense   rank r is the value first + r; no table is kept
sparse  rank r is the r-th of a list
float   rank r is the floating-point number whose ordered bit pattern is first + r (see `patterns`), in units of the
        last bit of the largest: prediction is by value, where neighbours differ by noise of one size, and what is
        coded is the pattern, however fine the numbers around zero are
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

DENSE, SPARSE, FLOAT = range(3)


class Alphabet(NamedTuple):
    """`size` values of one of the kinds."""

    size: int
    first: float  # the first value; float: its pattern
    kind: int
    fraction: int  # bits of a float's fraction
    values: Any  # sparse: [size] float64, rising; float: the last bit's worth for each exponent
    edges: Any  # sparse: [size + 1] float64, midpoints between neighbours; float: the least number of each exponent
    rank_at: Any  # sparse: [last - first + 1] int64, the first rank whose value is at least first + i


def dense_alphabet(first: int, last: int) -> Alphabet:
    """All integers from `first` to `last`."""
    none = np.zeros(1)
    return Alphabet(last - first + 1, float(first), DENSE, 0, none, none, np.zeros(1, np.int64))


def sparse_alphabet(values: NDArray[np.int64]) -> Alphabet:
    """The given rising integers only."""
    real = values.astype(np.float64)
    edges = np.concatenate([[real[0] - 1], (real[1:] + real[:-1]) / 2, [real[-1] + 1]])
    rank_at = np.searchsorted(values, np.arange(values[0], values[-1] + 1)).astype(np.int64)
    return Alphabet(len(values), float(values[0]), SPARSE, 0, real, edges, rank_at)


def float_alphabet(first: int, last: int, fraction: int, exponents: int) -> Alphabet:
    """Finite numbers from pattern `first` to `last`, of `fraction` bits and `exponents` exponents."""
    top = max(max(p, -1 - p) >> fraction for p in (first, last))
    unit = 2.0 ** (np.maximum(np.arange(exponents), 1) - max(top, 1))
    least = np.where(np.arange(exponents) > 0, unit * (1 << fraction), 0.0)
    return Alphabet(last - first + 1, float(first), FLOAT, fraction, unit, least, np.zeros(1, np.int64))


@njit(cache=True, nogil=True, _nrt=False)
def _number(alphabet, rank):
    """The floating-point number of a rank."""
    pattern = np.int64(alphabet.first) + rank
    magnitude = -1 - pattern if pattern < 0 else pattern
    exponent = magnitude >> alphabet.fraction
    steps = magnitude & ((np.int64(1) << alphabet.fraction) - 1)
    if exponent > 0:
        steps += np.int64(1) << alphabet.fraction
    value = steps * alphabet.values[exponent]
    return -value if pattern < 0 else value


@njit(cache=True, nogil=True, _nrt=False)
def _number_near(alphabet, value):
    """The rank of the number nearest to `value`, clipped to the alphabet; NaN gives 0."""
    size = np.abs(value)
    if not (size >= 0.0):
        return np.int64(0)
    low, high = np.int64(0), np.int64(alphabet.edges.size)
    while high - low > 1:
        middle = (low + high) >> 1
        if size >= alphabet.edges[middle]:
            low = middle
        else:
            high = middle
    hidden = np.int64(1) << alphabet.fraction
    steps = min(size / alphabet.values[low] + 0.5, 2.0 * hidden)
    # Steps that round up to the next exponent are its first pattern.
    magnitude = (low << alphabet.fraction) + np.int64(steps) - (hidden if low > 0 else 0)
    pattern = -1 - magnitude if value < 0.0 else magnitude
    return min(max(pattern - np.int64(alphabet.first), 0), alphabet.size - 1)


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def value_of(alphabet, rank):
    """The value of a rank."""
    if alphabet.kind == DENSE:
        return alphabet.first + rank
    if alphabet.kind == SPARSE:
        return alphabet.values[rank]
    return _number(alphabet, rank)


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def edge_below(alphabet, rank):
    """Halfway between the value of a rank and the one before it."""
    if alphabet.kind == DENSE:
        return alphabet.first + rank - 0.5
    if alphabet.kind == SPARSE:
        return alphabet.edges[rank]
    before, after = max(rank - 1, 0), min(rank, alphabet.size - 1)
    return 0.5 * (_number(alphabet, before) + _number(alphabet, after))


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def rank_near(alphabet, value):
    """The rank nearest above or at `value`, clipped to the alphabet; NaN gives 0."""
    if alphabet.kind == FLOAT:
        return _number_near(alphabet, value)
    place = value - alphabet.first
    if not (place > 0.0):
        return np.int64(0)
    if alphabet.kind == DENSE:
        if place >= alphabet.size - 1:
            return np.int64(alphabet.size - 1)
        return np.int64(place + 0.5)
    if place >= alphabet.rank_at.size - 1:
        return np.int64(alphabet.size - 1)
    return alphabet.rank_at[np.int64(place + 0.5)]
