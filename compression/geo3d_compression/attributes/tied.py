# mypy: allow-untyped-defs, no-check-untyped-defs
"""What one colour channel tells of another: slopes of chroma over luma and of Cr over Cb, fitted to decoded colours.

The idea of linear-model chroma prediction in video (CCLM) with every node's own fit: least squares over the nodes
around it and the differences decoded in it, drawn towards the slope of the whole level where those are few or weaker
than the quantiser's error.  Slopes are in 1 / 256; all in integers.
"""

from __future__ import annotations

import numpy as np
from geo3d_compression.attributes.raht import UNIT
from numba import njit

_STEEPEST = 512
# Nodes of the quantiser's error (1 / 32 of a squared step) that the level's slope counts for.
_PULL = 40
# Counts of a difference decoded in the node itself, against one of the nodes around.
_OWN = 2
_SHIFT = 10
_FORGET = np.int64(1) << 40
_EXACT = np.int64(1) << 24

# fit: sums of squares and products: [luma^2, luma * Cb, luma * Cr, Cb'^2, Cb' * Cr'], where ' is less the luma part.
# level: [luma^2, luma * Cb, luma * Cr] of all differences decoded so far.


@njit(cache=True, nogil=True, inline="always")
def _slope(product, square):
    return min(max(256 * product // square, -_STEEPEST), _STEEPEST)


@njit(cache=True, nogil=True, inline="always")
def fit_around(p, neighbours, means, steps, level, fit):
    """Start the `fit` of node p from the nodes around it."""
    n = neighbours.shape[0] - 1
    fit[0] = _PULL * ((steps[0] * (UNIT // 16)) ** 2 // 32)
    # Large steps and long levels together would not fit 64 bits.
    down = 0
    while level[0] >> down >= _EXACT:
        down += 1
    square = max(level[0] >> down, 1)
    fit[1] = fit[0] * (level[1] >> down) // square
    fit[2] = fit[0] * (level[2] >> down) // square
    for k in range(27):
        j = neighbours[p, k]
        if j != n:
            d = means[j, 0] - means[p, 0]
            fit[0] += d * d
            fit[1] += d * (means[j, 1] - means[p, 1])
            fit[2] += d * (means[j, 2] - means[p, 2])
    fit[3] = (steps[1] * (UNIT // 16)) ** 2 // 32
    fit[4] = 0
    first, second = _slope(fit[1], fit[0]), _slope(fit[2], fit[0])
    for k in range(27):
        j = neighbours[p, k]
        if j != n:
            d = means[j, 0] - means[p, 0]
            u = means[j, 1] - means[p, 1] - (first * d >> 8)
            v = means[j, 2] - means[p, 2] - (second * d >> 8)
            fit[3] += u * u
            fit[4] += u * v


@njit(cache=True, nogil=True, inline="always")
def tied_part(fit, c, luma, first_chroma):
    """What channel c > 0 of a difference has above its prediction, given what luma and Cb (for Cr) had: the part by
    luma, and all of it."""
    by_luma = _slope(fit[c], fit[0]) * luma >> 8
    # The second fit is the noisier: half of it.
    return by_luma, by_luma + ((_slope(fit[4], fit[3]) * first_chroma >> 9) if c > 1 else 0)


@njit(cache=True, nogil=True, inline="always")
def learn_tied(found, k, level, fit):
    """Take the decoded difference at place k of `found` [8, 3] into the fits."""
    y = found[k, 0]
    fit[0] += _OWN * y * y
    level[0] += y * y >> _SHIFT
    for c in range(1, 3):
        fit[c] += _OWN * y * found[k, c]
        level[c] += y * found[k, c] >> _SHIFT
    if level[0] > _FORGET:
        level[:] >>= 1
