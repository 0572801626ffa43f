# mypy: allow-untyped-defs, no-check-untyped-defs
"""One binary decision about a depth pixel: sixteen counters -> two mixers -> secondary estimation -> coder, compiled.

The same in both directions, all in integers.  Counters are read, mixed and taught in vector registers
(`entropy.registers`, `entropy.lanes`); what is asked for early is on its way while other decisions are coded.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from geo3d_compression.entropy.coder import code_bit
from geo3d_compression.entropy.lanes import wide_dot, wide_learn
from geo3d_compression.entropy.models import (
    WEIGHT_LIMIT,
    apm_refine,
    apm_update,
    new_apm,
    new_counters,
    new_mixer,
    squash,
)
from geo3d_compression.entropy.prefetch import prefetch
from geo3d_compression.entropy.registers import FACTS, PLACES, hear, teach
from geo3d_compression.entropy.tables import STRETCH, STRETCH_LIMIT

CONTEXTS = 16
_TABLE_BITS = 17
_BLOCKS = 2
# Where the second half of the inputs begins.
_SECOND = 16
# What the bias tells the mixers.
_BIAS = 256
_LIMIT = 250
_RATE = 120


class DecisionModel(NamedTuple):
    """What has been learned, flat, and scratch."""

    counters: Any  # [CONTEXTS << bits] uint32
    mixer_a: Any  # [sets * CONTEXTS]
    mixer_b: Any
    bias_a: Any  # [sets]
    bias_b: Any
    apm: Any  # [sets, 33]
    memory: Any  # see `entropy.registers`
    places: Any  # [PLACES + CONTEXTS] of the counters


def new_decisions(sets: int) -> DecisionModel:
    """A model that has seen nothing."""
    mixer_a, mixer_b = (new_mixer(sets, CONTEXTS + 1, 0.3) for _ in range(2))
    return DecisionModel(
        new_counters(CONTEXTS << _TABLE_BITS),
        mixer_a[:, :CONTEXTS].reshape(-1),
        mixer_b[:, :CONTEXTS].reshape(-1),
        mixer_a[:, CONTEXTS].copy(),
        mixer_b[:, CONTEXTS].copy(),
        new_apm(sets),
        np.zeros(32 * _BLOCKS, np.int32),
        np.zeros(PLACES + CONTEXTS, np.int64),
    )


@njit(cache=True, nogil=True, inline="always")
def _place(key, node, j):
    h = np.uint64((key * 64 + node) * 16 + j) * np.uint64(0x9E3779B97F4A7C15)
    return (j << _TABLE_BITS) | np.int64(h >> np.uint64(64 - _TABLE_BITS))


@njit(cache=True, nogil=True, _nrt=False)
def expect(counters, keys, node):
    """Ask for the counters of a decision that may come."""
    for j in range(CONTEXTS):
        prefetch(counters, _place(keys[j], node, j))


@njit(cache=True, nogil=True, _nrt=False)
def _unbiased(bias, row, error):
    w = np.int64(bias[row]) + ((_BIAS * error * _RATE + (1 << 21)) >> 22)
    bias[row] = np.int32(min(max(w, -WEIGHT_LIMIT), WEIGHT_LIMIT))


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def decide(
    counters, mixer_a, mixer_b, bias_a, bias_b, apm, memory, places, keys, state, buffer, encode, node, select_a,
    select_b, bit,
):  # fmt: skip
    """Encode `bit`, or decode one and return it, under the contexts `keys`."""
    for j in range(CONTEXTS):
        places[PLACES + j] = _place(keys[j], node, j)
    hear(counters, places, 0, STRETCH, FACTS, memory, 16, _BLOCKS, 0, 0, 8, 0)
    hear(counters, places, 0, STRETCH, FACTS, memory, 16, _BLOCKS, 1, 8, 8, 0)
    set_a, set_b = np.uintp(node * 16 + select_a), np.uintp(node * 16 + select_b)
    row_a, row_b = set_a * np.uintp(CONTEXTS), set_b * np.uintp(CONTEXTS)
    x_a = (wide_dot(mixer_a, row_a, memory, 0, _SECOND) + np.int64(bias_a[set_a]) * _BIAS) >> 16
    x_b = (wide_dot(mixer_b, row_b, memory, 0, _SECOND) + np.int64(bias_b[set_b]) * _BIAS) >> 16
    x_a = min(max(x_a, -STRETCH_LIMIT), STRETCH_LIMIT)
    x_b = min(max(x_b, -STRETCH_LIMIT), STRETCH_LIMIT)
    x = (x_a + x_b) >> 1
    p = (squash(x) + apm_refine(apm, set_a, x)) >> 1
    bit = code_bit(state, buffer, min(max(p, 16), 65520), bit, encode)
    target = bit << 16
    error_a, error_b = target - squash(x_a), target - squash(x_b)
    wide_learn(mixer_a, row_a, memory, 0, _SECOND, np.int32(error_a * _RATE), np.int32(WEIGHT_LIMIT))
    wide_learn(mixer_b, row_b, memory, 0, _SECOND, np.int32(error_b * _RATE), np.int32(WEIGHT_LIMIT))
    _unbiased(bias_a, set_a, error_a)
    _unbiased(bias_b, set_b, error_b)
    apm_update(apm, set_a, x, bit, 6)
    teach(counters, places, 0, memory, _BLOCKS, 0, 0, 8, np.int32(bit), np.int32(_LIMIT))
    teach(counters, places, 0, memory, _BLOCKS, 1, 8, 8, np.int32(bit), np.int32(_LIMIT))
    return bit
