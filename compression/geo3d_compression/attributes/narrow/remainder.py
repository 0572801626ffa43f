# mypy: allow-untyped-defs, no-check-untyped-defs
"""The remainders of `lattice`: which of the possible steps, asked one by one, in the context of neighbours'."""

from __future__ import annotations

import numpy as np
from geo3d_compression.attributes.lattice import possible
from geo3d_compression.attributes.narrow.decisions import log2_of
from geo3d_compression.attributes.narrow.state import REMAINDER_CONTEXTS
from geo3d_compression.entropy.coder import code_bit
from geo3d_compression.entropy.models import (
    apm_refine,
    apm_update,
    counter_input,
    counter_update,
    hash_index,
    mixer_dot,
    mixer_update,
    squash,
)
from geo3d_compression.entropy.tables import STRETCH
from numba import njit

# No step, or no neighbour.
_NONE = 28
_RATE = 20
_COUNTED = 8


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def code_remainder(
    t, count, near, low, values, remainder, around, work, told, mixer, state, buffer, encode
):  # fmt: skip
    """Code the remainder of point t; True if a decoder has found Y, Cb, Cr that no colour has.  `low` [C] is what 0
    in the coded channels stands for."""
    keys = work.keys
    y, cb, cr = values[t, 0], values[t, 1], values[t, 2]
    n = possible(y + low[0], cb + low[1], cr + low[2], work.steps)
    if n == 0:
        return True
    off, same = np.int64(0), np.int64(_NONE)
    for i in range(count):
        r = remainder[near[t, i]]
        if i < _COUNTED:
            off += np.int64(r != 0)
        if around.match[i] == 3 and same == _NONE:
            same = r
    r0 = remainder[near[t, 0]] if count > 0 else np.int64(_NONE)
    r1 = remainder[near[t, 1]] if count > 1 else np.int64(_NONE)
    chroma = cb * 512 + cr
    keys[0], keys[1], keys[2], keys[3] = 0, cb, cr, chroma
    keys[4], keys[5], keys[6] = r0 * 32 + r1, off * 16 + count // 2, same
    keys[7], keys[8], keys[9] = y * 262144 + chroma, same * 32 + off, chroma * 2 + np.int64(off > 2)
    for i in range(REMAINDER_CONTEXTS):
        keys[i] = keys[i] * 16 + i
    found = work.steps[n - 1]
    for k in range(n - 1):
        step = work.steps[k]
        asked = np.int64(remainder[t] == step)
        if _decide(step, n - k, off, same, asked, mixer, work, told, state, buffer, encode):
            found = step
            break
    remainder[t] = found
    return False


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def _decide(step, left, off, same, bit, mixer, work, told, state, buffer, encode):
    """Is it this step, of `left` that it can be?"""
    slots, counters = work.slots, mixer.counters
    bits = log2_of(counters.shape[1])
    for i in range(REMAINDER_CONTEXTS):
        slots[i] = hash_index((work.keys[i] * 32 + step) * 16 + min(left, 15), bits)
        told[i] = np.int32(counter_input(counters[i, slots[i]]))
    told[REMAINDER_CONTEXTS] = np.int32(256)
    told[REMAINDER_CONTEXTS + 1] = np.int32(STRETCH[65536 // left])
    row, context = min(step, 1) * 16 + off, step * 32 + same
    x = mixer_dot(mixer.weights, row, told, REMAINDER_CONTEXTS + 2)
    p = (squash(x) + apm_refine(mixer.apm, context, x)) >> 1
    bit = code_bit(state, buffer, min(max(p, 24), 65512), bit, encode)
    mixer_update(mixer.weights, row, told, REMAINDER_CONTEXTS + 2, (bit << 16) - squash(x), _RATE)
    apm_update(mixer.apm, context, x, bit, 6)
    for i in range(REMAINDER_CONTEXTS):
        counters[i, slots[i]] = counter_update(counters[i, slots[i]], bit, 255)
    return bit
