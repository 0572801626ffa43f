# mypy: allow-untyped-defs, no-check-untyped-defs
"""What is decoded around a transform coefficient, as context keys for the models of `coefficients`."""

from __future__ import annotations

import numpy as np
from geo3d_compression.attributes.channels import log_class, signed_class
from numba import njit

CONTEXTS = 18
# Neighbour columns towards -x, -y and -z: the nodes there come earlier in Morton order.
_FACES = np.array([4, 10, 12])
_TOP = 31


@njit(cache=True, nogil=True, inline="always")
def _class(x):
    return min(log_class(x), _TOP)


@njit(cache=True, nogil=True)
def fill_contexts(p, k, c, count, height, gain, guess, tied, neighbours, split, q, spent, above, contexts):
    """Context keys of the coefficient at place k, channel c of node p; returns the classes of unrest, 0 ... 15, beside
    and in the wider surroundings.

    count, height   places of the node, levels to the voxels
    gain            of the place, `raht.GAIN`
    guess, tied     predicted difference, and the part by luma of what luma left of it, both in quarter steps
    split           [n + 1] nodes done that had coefficients; q [n + 1, 8, 3] those; spent [n + 1, 3] sums of |q|
    above           [n + 1, 3]: sums of |q| in the node that each node came from
    """
    n = neighbours.shape[0] - 1
    beside, around, used = np.int64(0), np.int64(0), np.int64(0)
    signs = np.int64(0)
    for face in range(3):
        j = neighbours[p, _FACES[face]]
        s = np.int64(99)
        if split[j]:
            v = np.int64(q[j, k, c])
            used += 1
            beside += abs(v)
            around += spent[j, c]
            s = signed_class(v)
        signs = signs * 256 + s + 128
    wide, seen, over, others = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    for m in range(27):
        j = neighbours[p, m]
        if j < p and split[j]:
            wide += spent[j, c]
            seen += 1
        if j != n and j != p:
            over += above[j, c]
            others += 1
    b = _class(4 * beside // max(used, 1))
    r = _class(2 * around // max(used, 1))
    a = _class(2 * above[p, c])
    e = _class(2 * spent[p, c])
    w = _class(4 * wide // max(seen, 1))
    o = _class(4 * over // max(others, 1))
    l1 = signed_class(np.int64(q[p, k, c - 1])) if c > 0 else np.int64(0)
    l2 = signed_class(np.int64(q[p, k, c - 2])) if c > 1 else np.int64(0)
    y = _class(2 * spent[p, 0] + 2 * abs(np.int64(q[p, k, 0]))) if c > 0 else np.int64(0)
    g, t = signed_class(guess), signed_class(tied)
    contexts[0] = (k * 16 + height) * 16 + count
    contexts[1] = (b * 32 + a) * 8 + k
    contexts[2] = (e * 32 + r) * 32 + a
    contexts[3] = ((l1 + 128) * 256 + l2 + 128) * 32 + a
    contexts[4] = (a * 32 + e) * 16 + height
    contexts[5] = (r * 8 + k) * 16 + height
    contexts[6] = ((abs(l1) * 64 + abs(l2)) * 32 + r) * 32 + y
    contexts[7] = signs
    contexts[8] = (_class(beside + around + 2 * above[p, c] + 2 * spent[p, c]) * 32 + y) * 4 + used
    contexts[9] = ((g + 64) * 32 + b) * 32 + a
    contexts[10] = ((abs(g) * 32 + r) * 8 + k) * 64 + abs(l1)
    contexts[11] = (w * 32 + o) * 32 + e
    contexts[12] = ((g + 64) * 32 + w) * 32 + o
    contexts[13] = ((o * 32 + y) * 8 + k) * 16 + count
    contexts[14] = (w * 32 + y) * 64 + abs(l1)
    contexts[15] = (_class(gain >> 4) * 32 + w) * 32 + a
    contexts[16] = ((t + 64) * 32 + a) * 32 + w
    contexts[17] = ((t + 64) * 128 + g + 64) * 8 + k
    for m in range(CONTEXTS):
        contexts[m] = (contexts[m] * 16 + c) * 32 + m
    return min(log_class(beside + around + above[p, c] + spent[p, c]), 15), min(w, 15)
