# mypy: allow-untyped-defs, no-check-untyped-defs
"""Values that very many voxels have exactly, between voxels that have none in common: truncated and unobserved
distances of a signed distance field.  Which of them a voxel has, or that it has another, is coded before its value.

    classes of the neighbours, predicted value --> counters --mixer--> probability of each class in turn

A voxel with a spike's value tells nothing about the surface, so that the predictors see in its place what they
predicted there, unless the value is the first or the last of all (truncated), which is nearly right.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d_compression.entropy.coder import code_bit
from geo3d_compression.entropy.models import (
    counter_input,
    counter_update,
    hash_index,
    mixer_dot,
    mixer_update,
    new_counters,
    new_mixer,
    squash,
)

# Format: more spikes than this are not told apart.
MOST_SPIKES = 3
PLACES = 32
_CONTEXTS = 6
_TABLE_BITS = 16
_RATE = 40
_LIMIT = 250


class Spikes(NamedTuple):
    """The spikes of a volume, and what their coding has learned."""

    ranks: Any  # [k] the spikes, most frequent first
    classes: Any  # [3, plane] of the last slices: 0 another value, 1 + i spike i
    counters: Any  # [6 * 2^16]
    weights: Any  # [3 * PLACES, 7]
    inputs: Any  # [7]
    slots: Any  # [6]


def new_spikes(ranks: NDArray[np.int64], plane: int) -> Spikes:
    """Coding that has seen nothing; `ranks` may be empty."""
    some = len(ranks) > 0
    return Spikes(
        ranks,
        np.zeros((3, plane if some else 1), np.uint8),
        new_counters(_CONTEXTS << _TABLE_BITS if some else 1),
        new_mixer(MOST_SPIKES * PLACES, _CONTEXTS + 1, 0.3),
        np.zeros(_CONTEXTS + 1, np.int64),
        np.zeros(_CONTEXTS, np.int64),
    )


@njit(cache=True, nogil=True, _nrt=False)
def class_of(spikes, rank):
    """1 + i for spike i, 0 for another rank."""
    for i in range(spikes.ranks.size):
        if spikes.ranks[i] == rank:
            return i + 1
    return 0


@njit(cache=True, nogil=True, _nrt=False)
def code_class(kind, spikes, c, stride, index, place, state, buffer, encode):
    """Encode the class of voxel `c` in slice `index`, or decode and return it.

    `place` < PLACES says where in the range of values the voxel is predicted.
    """
    now, before, older = (
        spikes.classes[index % 3], spikes.classes[(index + 2) % 3], spikes.classes[(index + 1) % 3],
    )  # fmt: skip
    W, N, NW, NE, P = (
        np.int64(now[c - 1]), np.int64(now[c - stride]), np.int64(now[c - stride - 1]),
        np.int64(now[c - stride + 1]), np.int64(before[c]),
    )  # fmt: skip
    E, S = np.int64(before[c + 1]), np.int64(before[c + stride])
    near = (W * 4 + N) * 4 + P
    keys = (
        (near * 4 + NW) * 4 + NE,
        (near * 4 + E) * 4 + S,
        ((near * 4 + now[c - 2]) * 4 + now[c - 2 * stride]) * 4 + older[c],
        near * PLACES + place,
        ((near * 4 + before[c - 1]) * 4 + before[c - stride]) * 4 + before[c + stride + 1],
        (((near * 4 + NW) * 4 + NE) * 4 + E) * 4 + S,
    )
    for i in range(spikes.ranks.size):
        for j in range(_CONTEXTS):
            slot = (j << _TABLE_BITS) | hash_index(np.int64(keys[j]) * 4 + i, _TABLE_BITS)
            spikes.slots[j] = slot
            spikes.inputs[j] = counter_input(spikes.counters[slot])
        spikes.inputs[_CONTEXTS] = 256
        row = i * PLACES + place
        p = min(max(squash(mixer_dot(spikes.weights, row, spikes.inputs, _CONTEXTS + 1)), 4), 65532)
        bit = code_bit(state, buffer, p, 1 if kind == i + 1 else 0, encode)
        mixer_update(spikes.weights, row, spikes.inputs, _CONTEXTS + 1, (bit << 16) - p, _RATE)
        for j in range(_CONTEXTS):
            spikes.counters[spikes.slots[j]] = counter_update(spikes.counters[spikes.slots[j]], bit, _LIMIT)
        if bit:
            return i + 1
    return 0
