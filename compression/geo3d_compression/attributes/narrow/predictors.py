# mypy: allow-untyped-defs, no-check-untyped-defs
"""What a value is predicted to be, from decoded neighbours and from this point's channels that are known already.

    FOURTH_MEAN SECOND_MEAN SIXTH_MEAN   means of the neighbours by powers of the distance; the first is the base
    PLACE_MEAN PLACE_BEST                means by how much neighbours at that offset differed lately (power 1, 2)
    ALIKE                                mean by distance and by likeness in the known channels (joint bilateral filter)
    LINE                                 base + local regression on the known channels
    MATCH                                the neighbour most alike in the known channels
    SLOW FAST                            least squares over features made of these, of single neighbours, of residuals
    WIDE                                 least squares over the features and every place around

The best guess blends all by their squared errors at the neighbours, and that with SLOW and WIDE.
"""

from __future__ import annotations

import numpy as np
from geo3d_compression.attributes.channels import log_class
from geo3d_compression.attributes.narrow.regression import LIMIT, clip, estimate
from geo3d_compression.attributes.narrow.state import (
    ALIKE,
    FAST,
    FEATURES,
    FOURTH_MEAN,
    LINE,
    MATCH,
    PLACE_BEST,
    PLACE_MEAN,
    PREDICTORS,
    SECOND_MEAN,
    SIXTH_MEAN,
    SLOW,
    WIDE,
)
from geo3d_compression.attributes.narrow.tables import (
    FARTHEST,
    FINE,
    FOURTH,
    REACH,
    SECOND,
    SIDE,
    SIXTH,
    SLOT,
    SLOTS,
    UNIT,
    WEIGHTS,
)
from geo3d_compression.attributes.surroundings import DIGIT, MIDDLE, NEAR
from numba import njit

# Neighbours that errors are compared at.
COMPARED = 12
# Channels before this one that are looked at.
_KNOWN = 3


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def look(t, near, place, values, copies, around):
    """Gather the neighbours of point t; returns their number and the class 0 ... 3 of how often values were copies."""
    C = values.shape[1]
    count, copied = 0, np.int64(0)
    while count < NEAR and near[t, count] >= 0:
        n = near[t, count]
        digits = np.int64(place[t, count])
        dx, dy, dz = digits // (DIGIT * DIGIT) - MIDDLE, digits // DIGIT % DIGIT - MIDDLE, digits % DIGIT - MIDDLE
        square = dx * dx + dy * dy + dz * dz
        around.square[count] = min(square, FARTHEST)
        if (dx | dy | dz) & 3 == 0 and max(abs(dx), abs(dy), abs(dz)) <= 4 * REACH:
            around.kind[count] = (((dx >> 2) + REACH) * SIDE + (dy >> 2) + REACH) * SIDE + (dz >> 2) + REACH
        else:
            around.kind[count] = SIDE**3 + min(log_class(square), 24)
        around.match[count] = 0
        for c in range(C):
            around.values[c, count] = values[n, c]
        if count < COMPARED:
            copied += copies[n]
        count += 1
    return count, min(4 * copied // (COMPARED * C), 3)


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def predict(t, c, count, near, span, seen, learned, work):
    """All predictions of channel c, 0 ... span, into `odds.mean`, the best guess into `work.guess`; returns how many
    inputs the least squares have."""
    around, inputs, mean = work.around, work.inputs, work.odds.mean
    values = around.values[c]
    most = UNIT * span
    base = most >> 1
    mean[FOURTH_MEAN] = mean[SECOND_MEAN] = mean[SIXTH_MEAN] = mean[PLACE_MEAN] = mean[PLACE_BEST] = base
    residual = np.int64(0)
    if count > 0:
        residual = _kernels(t, c, count, near, seen.error, around, mean)
        base = mean[FOURTH_MEAN]
        _places(c, count, learned.difference, around, mean)
    work.base[c] = base
    mean[ALIKE] = mean[LINE] = mean[MATCH] = base
    if count > 0:
        mean[MATCH] = UNIT * values[0]
        if c > 0:
            _known_channels(t, c, count, seen.values, work.base, around, mean)
    x = inputs.features
    x[0], x[1], x[2] = mean[SECOND_MEAN] - base, mean[SIXTH_MEAN] - base, residual
    for i in range(4):
        x[3 + i] = UNIT * values[i] - base if i < count else 0
    x[7], x[8] = mean[PLACE_BEST] - base, mean[PLACE_MEAN] - base
    x[9], x[10] = mean[ALIKE] - base, mean[LINE] - base
    x[11] = mean[MATCH] - base if c > 0 else 0
    for k in range(1, 3):
        x[10 + 2 * k] = UNIT * seen.values[t, c - k] - work.base[c - k] if c >= k else 0
        x[11 + 2 * k] = UNIT * seen.values[t, c - k] - work.guess[c - k] if c >= k else 0
    used = 0
    for i in range(count):
        slot = SLOT[around.kind[i]]
        z = clip(UNIT * values[i] - base, LIMIT)
        if slot >= 0 and z != 0:
            inputs.places[used], inputs.values[used] = slot, z
            used += 1
    for i in range(FEATURES):
        x[i] = clip(x[i], LIMIT)
        if x[i] != 0:
            inputs.places[used], inputs.values[used] = SLOTS + i, x[i]
            used += 1
    mean[SLOW] = base + estimate(learned.slow.w[c], inputs.all, x, FEATURES)
    mean[FAST] = base + estimate(learned.fast.w[c], inputs.all, x, FEATURES)
    mean[WIDE] = base + estimate(learned.wide.w[c], inputs.places, inputs.values, used)
    for k in range(PREDICTORS):
        mean[k] = min(max(mean[k], 0), most)
    work.guess[c] = (
        _blend(t, c, count, near, seen.errors, around.square, mean, work.odds.left) + mean[SLOW] + 2 * mean[WIDE]
    ) >> 2
    return used


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def _kernels(t, c, count, near, error, around, mean):
    """Means by distance; returns the mean error of the best guess at the neighbours."""
    s0, s1, s2 = np.int64(0), np.int64(0), np.int64(0)
    t0, t1, t2, r = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    for i in range(count):
        v, d = around.values[c, i], around.square[i]
        w0, w1, w2 = WEIGHTS[FOURTH, d], WEIGHTS[SECOND, d], WEIGHTS[SIXTH, d]
        s0, t0, r = s0 + w0, t0 + w0 * v, r + w0 * error[near[t, i], c]
        s1, t1 = s1 + w1, t1 + w1 * v
        s2, t2 = s2 + w2, t2 + w2 * v
    mean[FOURTH_MEAN] = UNIT * t0 // s0
    mean[SECOND_MEAN] = UNIT * t1 // s1
    mean[SIXTH_MEAN] = UNIT * t2 // s2
    return r // s0


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def _places(c, count, difference, around, mean):
    """Means by the learned differences to neighbours at the same offset."""
    s1, s2, t1, t2 = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    for i in range(count):
        v = around.values[c, i]
        w = (np.int64(1) << 36) // (difference[c, around.kind[i]] + 4096)
        s1, t1 = s1 + w, t1 + w * v
        w = (w >> 8) * (w >> 8) >> 8
        s2, t2 = s2 + w, t2 + w * v
    if s1 > 0:
        mean[PLACE_MEAN] = UNIT * t1 // s1
    if s2 > 0:
        mean[PLACE_BEST] = UNIT * t2 // s2


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def _known_channels(t, c, count, values, bases, around, mean):
    """What the known channels of this point tell."""
    base = bases[c]
    spread = np.int64(0)
    total, weight, least = np.int64(0), np.int64(0), np.int64(1) << 60
    first = max(0, c - _KNOWN)
    for e in range(first, c):
        for i in range(count):
            d = clip(UNIT * around.values[e, i] - bases[e], LIMIT)
            spread += d * d
    spread = ((spread // count + UNIT * UNIT) >> 4) + 1
    for i in range(count):
        unlike = np.int64(0)
        for e in range(first, c):
            d = clip(UNIT * (around.values[e, i] - values[t, e]), LIMIT)
            unlike += d * d
        w = (WEIGHTS[FINE, around.square[i]] << 8) // (256 + (unlike << 8) // spread) + 1
        total += w * around.values[c, i]
        weight += w
        if unlike < least:
            least = unlike
            mean[MATCH] = UNIT * around.values[c, i]
    mean[ALIKE] = UNIT * total // weight
    line = base
    for e in range(first, c):
        both, alone = np.int64(0), np.int64(0)
        for i in range(count):
            w = WEIGHTS[SECOND, around.square[i]]
            d = clip(UNIT * around.values[e, i] - bases[e], LIMIT)
            both += w * d * clip(UNIT * around.values[c, i] - base, LIMIT)
            alone += w * (d * d + 64)
        line += clip((both << 8) // alone, 1024) * clip(UNIT * values[t, e] - bases[e], LIMIT) >> 8
    mean[LINE] = line


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def _blend(t, c, count, near, errors, square, mean, sums):
    """Mean of the predictions by 1 / (squared error at the neighbours)^4; `sums` is scratch."""
    least = np.int64(1) << 62
    for k in range(PREDICTORS):
        total = np.int64(64)
        for i in range(min(count, COMPARED)):
            e = np.int64(errors[near[t, i], c, k])
            total += e * e * WEIGHTS[FOURTH, square[i]] >> 4
        sums[k] = total
        least = min(least, total)
    weight, weighted = np.int64(0), np.int64(0)
    for k in range(PREDICTORS):
        # 2^10 at most, to the fourth power 2^40: brought down to 2^20.
        w = (least << 10) // sums[k]
        w = w * w >> 10
        w = w * w
        weight += w
        weighted += w * (mean[k] - mean[FOURTH_MEAN])
    return mean[FOURTH_MEAN] + weighted // weight
