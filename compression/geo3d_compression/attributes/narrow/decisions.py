# mypy: allow-untyped-defs, no-check-untyped-defs
"""One binary decision: experts' logits and counters -> four mixers -> a mixer of these -> estimators -> coder."""

from __future__ import annotations

import numpy as np
from geo3d_compression.attributes.narrow.state import CONTEXTS, EXPERTS, INPUTS, NODES, SETS
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
from numba import njit

# Learning rates: of the mixers in the end, what they have more in the beginning, after how many uses half of that is
# left, and that of the joint mixer.
_RATE, _RATE_MORE, _RATE_HALVED = 24, 100, 500
_RATE_JOINT = 6
_COUNTER_LIMIT = 255
_APM_SHIFT = 6
# No decision costs more than 12 bits.
_LEAST = 24


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def log2_of(size):
    """Of a power of two."""
    bits = 0
    while 1 << bits < size:
        bits += 1
    return bits


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def decide(node, kind, bit, bits, mixer, keys, told, C, state, buffer, encode):
    """Code a decision that the experts have been asked; `node` < 1024, `kind` < 32; 2^bits counters for a context."""
    slots, rows, logits, counters = keys.slots, keys.rows, keys.logits, mixer.counters
    for i in range(CONTEXTS):
        slots[i] = hash_index(keys.keys[i] * NODES + node, bits)
        told[EXPERTS + i] = np.int32(counter_input(counters[i, slots[i]]))
    told[INPUTS - 1] = np.int32(256)
    for j in range(SETS):
        logits[j] = np.int32(mixer_dot(mixer.weights, rows[j] + (kind if j else node), told, INPUTS))
    x = mixer_dot(mixer.joint, kind, logits, SETS)
    by_node, by_unrest = rows[0] + node, rows[1] - NODES * C + kind
    p = (2 * squash(x) + apm_refine(mixer.apm, by_node, x) + apm_refine(mixer.apm_unrest, by_unrest, x)) >> 2
    bit = code_bit(state, buffer, min(max(p, _LEAST), 65536 - _LEAST), bit, encode)
    one = bit << 16
    for j in range(SETS):
        row = rows[j] + (kind if j else node)
        rate = _RATE + _RATE_MORE * _RATE_HALVED // (_RATE_HALVED + mixer.used[row])
        mixer.used[row] += 1
        mixer_update(mixer.weights, row, told, INPUTS, one - squash(np.int64(logits[j])), rate)
    mixer_update(mixer.joint, kind, logits, SETS, one - squash(x), _RATE_JOINT)
    apm_update(mixer.apm, by_node, x, bit, _APM_SHIFT)
    apm_update(mixer.apm_unrest, by_unrest, x, bit, _APM_SHIFT)
    for i in range(CONTEXTS):
        counters[i, slots[i]] = counter_update(counters[i, slots[i]], bit, _COUNTER_LIMIT)
    return bit
