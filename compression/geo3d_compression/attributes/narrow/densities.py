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
def place(c, plain, spread, guess, model):
    """Set the distributions up; `plain` and `spread` are the contexts of the scale."""
    work, scale = model.work, model.learned.scale
    top = UNIT * model.span[c] + HALF
    for k in range(EXPERTS):
        if k >= PREDICTORS:
            work.mean[k] = guess
        where = spread if k == AROUND_SPREAD else plain
        work.where[k] = where
        work.inverse[k] = (np.int64(1) << 28) // max(scale[k, where] * _SCALE_OF_ERROR >> 8, _LEAST_SCALE)
        work.low[k] = _distribution(-HALF, work.mean[k], work.inverse[k])
        work.high[k] = _distribution(top, work.mean[k], work.inverse[k])


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def hope(c, count, copied, model):
    """Chances that the value is that of each neighbour; returns their sum."""
    work, equal = model.work, model.learned.equal
    total = np.int64(0)
    for i in range(count):
        work.chance[i] = equal[c, min(work.match[i], 3) * 4 + copied, work.kind[i]] >> 6
        total += work.chance[i]
    if total > _MOST_COPIES:
        for i in range(count):
            work.chance[i] = work.chance[i] * _MOST_COPIES // total
        total = np.int64(_MOST_COPIES)
    return total


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _with_copies(mass, copies, hopes):
    """Mass of a set of values: of the distribution, 2^30 in all, and of the neighbours' values in it."""
    return (mass >> 14) * (65536 - hopes) + (copies << 16) + 1


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def ask_whether_equal(c, p, count, hopes, model):
    """Is the value not p?  Keeps the distributions at p's edges for `ask_which_side` and `take_side`."""
    work = model.work
    for k in range(EXPERTS):
        left = _distribution(UNIT * p - HALF, work.mean[k], work.inverse[k])
        right = _distribution(UNIT * p + HALF, work.mean[k], work.inverse[k])
        work.left[k], work.right[k] = left, right
        whole = max(work.high[k] - work.low[k], 1)
        inside = max(right - left, 0)
        work.told[k] = _logit(max(whole - inside, 0), inside + 1)
    same = np.int64(0)
    for i in range(count):
        if work.near[c, i] == p:
            same += work.chance[i]
    inside = max(work.right[COPIES] - work.left[COPIES], 0)
    outside = max(work.high[COPIES] - work.low[COPIES] - inside, 0)
    work.told[COPIES] = _logit(_with_copies(outside, hopes - same, hopes), _with_copies(inside, same, hopes))


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def ask_which_side(c, p, count, hopes, model):
    """Is the value below p?"""
    work = model.work
    for k in range(EXPERTS):
        work.told[k] = _logit(max(work.left[k] - work.low[k], 0) + 1, max(work.high[k] - work.right[k], 0) + 1)
    below, above = np.int64(0), np.int64(0)
    for i in range(count):
        if work.near[c, i] < p:
            below += work.chance[i]
        elif work.near[c, i] > p:
            above += work.chance[i]
    yes = _with_copies(max(work.left[COPIES] - work.low[COPIES], 0), below, hopes)
    no = _with_copies(max(work.high[COPIES] - work.right[COPIES], 0), above, hopes)
    work.told[COPIES] = _logit(yes, no)


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def take_side(negative, model):
    """The value is below, or above."""
    work = model.work
    for k in range(EXPERTS):
        if negative:
            work.high[k] = work.left[k]
        else:
            work.low[k] = work.right[k]


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def ask_whether_far(c, p, negative, least, split, most, count, hopes, model):
    """Is it at least `split` away from p, on its side?  It is between `least` and `most`."""
    work = model.work
    sign = -1 if negative else 1
    edge = UNIT * (p + sign * split) - sign * HALF
    for k in range(EXPERTS):
        middle = _distribution(edge, work.mean[k], work.inverse[k])
        work.left[k] = middle
        below, above = max(middle - work.low[k], 0), max(work.high[k] - middle, 0)
        work.told[k] = _logit(below + 1, above + 1) if negative else _logit(above + 1, below + 1)
    middle = work.left[COPIES]
    below, above = max(middle - work.low[COPIES], 0), max(work.high[COPIES] - middle, 0)
    near, far = np.int64(0), np.int64(0)
    for i in range(count):
        m = sign * (work.near[c, i] - p)
        if least <= m < split:
            near += work.chance[i]
        elif split <= m <= most:
            far += work.chance[i]
    yes = _with_copies(below if negative else above, far, hopes)
    no = _with_copies(above if negative else below, near, hopes)
    work.told[COPIES] = _logit(yes, no)


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def take_part(far, negative, model):
    """It is far, or near."""
    work = model.work
    for k in range(EXPERTS):
        if (far != 0) == (negative != 0):
            work.high[k] = work.left[k]
        else:
            work.low[k] = work.left[k]


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def learn_scales(value, model):
    """Mean absolute errors by context; `value` in sixteenths."""
    work, scale = model.work, model.learned.scale
    for k in range(EXPERTS):
        now = scale[k, work.where[k]]
        scale[k, work.where[k]] = now + ((abs(value - work.mean[k]) << 8) - now) // _MEMORY
