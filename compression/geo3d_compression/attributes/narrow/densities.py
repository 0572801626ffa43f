# mypy: allow-untyped-defs, no-check-untyped-defs
"""Experts as distributions: for a binary decision about a value, the logit that each gives it, in integers.

Each is a logistic distribution around a prediction, with a scale learned by context.  The last one gives part of its
probability to the very values of the neighbours.  A decision asks which of two sets of values it is; what is possible
after the decisions before is an interval, of which `low` and `high` are the distribution function at its ends.
"""

from __future__ import annotations

import numpy as np
from geo3d_compression.attributes.narrow.regression import clip
from geo3d_compression.attributes.narrow.state import AROUND_SPREAD, COPIES, EXPERTS, PREDICTORS
from geo3d_compression.attributes.narrow.tables import CDF, CDF_ONE, CDF_RANGE, HALF, UNIT
from geo3d_compression.entropy.tables import STRETCH
from numba import njit

_LEAST_SCALE = 192
_FARTHEST = 1 << 22
# Scale of a logistic distribution for its mean absolute error, 1 / (2 ln 2) = 0.72, in 1/256, a little less.
_SCALE_OF_ERROR = 172
_MEMORY = 100
# The most that neighbours' values get together, in 1 / 2^16.
_MOST_COPIES = 62000


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _distribution(edge, mean, inverse):
    """Probability below `edge`, in 1 / 2^30."""
    x = (clip(edge - mean, _FARTHEST) * inverse >> 8) + CDF_RANGE * 4096
    if x <= 0:
        return np.int64(0)
    if x >= 2 * CDF_RANGE * 4096:
        return np.int64(CDF_ONE)
    i = x >> 6
    return CDF[i] + ((CDF[i + 1] - CDF[i]) * (x & 63) >> 6)


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _logit(yes, no):
    """Of the share of `yes`; both positive and below 2^46."""
    return np.int32(STRETCH[min(max((yes << 16) // (yes + no), 16), 65520)])


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def place(span, plain, spread, guess, scale, odds):
    """Set the distributions up for a value of 0 ... span; `plain` and `spread` are the contexts of the scale."""
    top = UNIT * span + HALF
    for k in range(EXPERTS):
        if k >= PREDICTORS:
            odds.mean[k] = guess
        where = spread if k == AROUND_SPREAD else plain
        odds.where[k] = where
        odds.inverse[k] = (np.int64(1) << 28) // max(scale[k, where] * _SCALE_OF_ERROR >> 8, _LEAST_SCALE)
        odds.low[k] = _distribution(-HALF, odds.mean[k], odds.inverse[k])
        odds.high[k] = _distribution(top, odds.mean[k], odds.inverse[k])


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def hope(c, count, copied, equal, around):
    """Chances that the value is that of each neighbour; returns their sum."""
    total = np.int64(0)
    for i in range(count):
        around.chance[i] = equal[c, min(around.match[i], 3) * 4 + copied, around.kind[i]] >> 6
        total += around.chance[i]
    if total > _MOST_COPIES:
        for i in range(count):
            around.chance[i] = around.chance[i] * _MOST_COPIES // total
        total = np.int64(_MOST_COPIES)
    return total


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _with_copies(mass, copies, hopes):
    """Mass of a set of values: of the distribution, 2^30 in all, and of the neighbours' values in it."""
    return (mass >> 14) * (65536 - hopes) + (copies << 16) + 1


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def ask_whether_equal(c, p, count, hopes, around, odds):
    """Is the value not p?  Keeps the distributions at p's edges for `ask_which_side` and `take_side`."""
    for k in range(EXPERTS):
        left = _distribution(UNIT * p - HALF, odds.mean[k], odds.inverse[k])
        right = _distribution(UNIT * p + HALF, odds.mean[k], odds.inverse[k])
        odds.left[k], odds.right[k] = left, right
        whole = max(odds.high[k] - odds.low[k], 1)
        inside = max(right - left, 0)
        odds.told[k] = _logit(max(whole - inside, 0), inside + 1)
    same = np.int64(0)
    for i in range(count):
        if around.values[c, i] == p:
            same += around.chance[i]
    inside = max(odds.right[COPIES] - odds.left[COPIES], 0)
    outside = max(odds.high[COPIES] - odds.low[COPIES] - inside, 0)
    odds.told[COPIES] = _logit(_with_copies(outside, hopes - same, hopes), _with_copies(inside, same, hopes))


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def ask_which_side(c, p, count, hopes, around, odds):
    """Is the value below p?"""
    for k in range(EXPERTS):
        odds.told[k] = _logit(max(odds.left[k] - odds.low[k], 0) + 1, max(odds.high[k] - odds.right[k], 0) + 1)
    below, above = np.int64(0), np.int64(0)
    for i in range(count):
        if around.values[c, i] < p:
            below += around.chance[i]
        elif around.values[c, i] > p:
            above += around.chance[i]
    yes = _with_copies(max(odds.left[COPIES] - odds.low[COPIES], 0), below, hopes)
    no = _with_copies(max(odds.high[COPIES] - odds.right[COPIES], 0), above, hopes)
    odds.told[COPIES] = _logit(yes, no)


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def take_side(negative, odds):
    """The value is below, or above."""
    for k in range(EXPERTS):
        if negative:
            odds.high[k] = odds.left[k]
        else:
            odds.low[k] = odds.right[k]


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def ask_whether_far(c, p, negative, least, split, most, count, hopes, around, odds):
    """Is it at least `split` away from p, on its side?  It is between `least` and `most`."""
    sign = -1 if negative else 1
    edge = UNIT * (p + sign * split) - sign * HALF
    for k in range(EXPERTS):
        middle = _distribution(edge, odds.mean[k], odds.inverse[k])
        odds.left[k] = middle
        below, above = max(middle - odds.low[k], 0), max(odds.high[k] - middle, 0)
        odds.told[k] = _logit(below + 1, above + 1) if negative else _logit(above + 1, below + 1)
    middle = odds.left[COPIES]
    below, above = max(middle - odds.low[COPIES], 0), max(odds.high[COPIES] - middle, 0)
    near, far = np.int64(0), np.int64(0)
    for i in range(count):
        m = sign * (around.values[c, i] - p)
        if least <= m < split:
            near += around.chance[i]
        elif split <= m <= most:
            far += around.chance[i]
    yes = _with_copies(below if negative else above, far, hopes)
    no = _with_copies(above if negative else below, near, hopes)
    odds.told[COPIES] = _logit(yes, no)


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def take_part(far, negative, odds):
    """It is far, or near."""
    for k in range(EXPERTS):
        if (far != 0) == (negative != 0):
            odds.high[k] = odds.left[k]
        else:
            odds.low[k] = odds.left[k]


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def learn_scales(value, scale, odds):
    """Mean absolute errors by context; `value` in sixteenths."""
    for k in range(EXPERTS):
        now = scale[k, odds.where[k]]
        scale[k, odds.where[k]] = now + ((abs(value - odds.mean[k]) << 8) - now) // _MEMORY
