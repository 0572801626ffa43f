# mypy: allow-untyped-defs, no-check-untyped-defs
"""Adaptive coding of a level's transform coefficients, node by node, in the context of what is decoded.

At every node: predict the children's means, take the differences of the prediction at every place, code what is left of
the true ones in steps (luma first; what it had above its prediction moves that of chroma), invert.  The quantiser looks
at rate and distortion: a coefficient becomes 0 where a 1 would cost more than it mends, at the probabilities of that
moment.
"""

from __future__ import annotations

import math

import numpy as np
from geo3d_compression.attributes.coefficient_contexts import CONTEXTS, fill_contexts
from geo3d_compression.attributes.raht import (
    GAIN,
    PLACES,
    STEP_UNIT,
    UNIT,
    Nodes,
    children_of,
    differences,
    divide,
    predict_node,
    undo_differences,
    weigh,
)
from geo3d_compression.attributes.tied import fit_around, learn_tied, tied_part
from geo3d_compression.attributes.trust import TRUST
from geo3d_compression.entropy.coder import code_bit
from geo3d_compression.entropy.models import (
    WEIGHT_ONE,
    apm_refine,
    apm_update,
    counter_input,
    counter_update,
    hash_index,
    mixer_dot,
    mixer_update,
    new_apm,
    new_counters,
    new_mixer,
    squash,
)
from numba import njit
from numpy.typing import NDArray

# Decisions a coefficient takes at most: zero, sign, 30 classes, 30 bits.
BITS_A_COEFFICIENT = 64
_LARGEST = 1 << 30

# Weight sets of a channel: by decision, by the unrest beside, by place and wider unrest.
_DECISIONS = 1024
_UNREST_ROWS = 16 * 16
_PLACE_ROWS = 8 * 4 * 16
_ROWS = _DECISIONS + _UNREST_ROWS + _PLACE_ROWS
_RATE = 20
# Start weights in hundredths, and of two decisions (zero, sign), luma and chroma, as they were after other clouds.
_START = 10
_LEARNT = np.array(
    [
        [
            [0, 4, 8, -5, 10, 4, -5, 3, 15, 12, 14, 17, 12, 14, 0, 10, 0, 17, _START],
            [0, 5, 4, 16, 3, 1, 12, 4, 10, 7, 12, 8, 8, 10, 10, 4, 8, 14, _START],
        ],
        [
            [5, 2, 4, 7, 4, 5, 8, 18, 6, 15, 3, 3, 17, 5, 8, 5, 5, 19, _START],
            [8, 8, 8, 18, 8, 8, 8, 10, 8, 9, 8, 8, 10, 8, 8, 8, 13, 14, _START],
        ],
    ],
    np.int32,
)

# The encoder: squared steps that a bit is worth (6 dB a bit at a high rate make it 0.1155), bits that a 1 takes beside
# those that say it is none (its sign's, less what it tells its neighbours), and the fraction from which on a value
# above 1 is rounded up.
_LAGRANGE = 0.1
_EXTRA = 0.75
_UP = 0.56
# -log2 of a probability in 1/4096.
_COST = np.array([16.0, *(12 - math.log2(k) for k in range(1, 4096)), 0.0])

# No difference of colours is larger, in 1 / UNIT; damaged streams could make some.
_FARTHEST = 1 << 22


class CoefficientModel:
    """All that adapts, the same in encoder and decoder.  `voxels` sizes the tables."""

    def __init__(self, voxels: int) -> None:
        bits = min(18, max(10, (6 * voxels).bit_length()))
        self._counters = np.stack([new_counters(1 << bits) for _ in range(CONTEXTS)])
        self._mixer = new_mixer(3 * _ROWS, CONTEXTS + 1, _START / 100)
        for c in range(3):
            own = self._mixer[c * _ROWS : (c + 1) * _ROWS]
            for decision in range(2):
                start = _LEARNT[decision, min(c, 1)] * WEIGHT_ONE // 100
                own[decision] = start
                own[_DECISIONS + decision :: 16] = start
        self._apm = new_apm(3 * _DECISIONS)

    def code(
        self, state: NDArray[np.int64], buffer: NDArray[np.uint8], nodes: Nodes, means: NDArray[np.int64],
        above: NDArray[np.int64], truth: NDArray[np.int64] | None, steps: NDArray[np.int64], trust: NDArray[np.int64],
        height: int,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:  # fmt: skip
        """Code the children of a level's nodes; their decoded means and the sums of |q| [M + 1, 3] in the node that
        each came from, or None if a decoded value is out of range.

        means, above [n + 1, 3]: of the nodes; truth [M, 3]: what is coded, None to decode; steps [3]: in sixteenths;
        trust [3]: how much of the prediction is subtracted; height: levels to the voxels.
        """
        children = np.zeros((len(nodes.weights) + 1, 3), np.int64)
        energy = np.zeros_like(children)
        damaged = _code(
            state, buffer, truth is not None, nodes.level.neighbours, nodes.occupancy, nodes.first, nodes.weights,
            means, above, children[:1] if truth is None else truth, children, energy, steps, trust, min(height, 15),
            self._counters, self._mixer, self._apm,
        )  # fmt: skip
        return None if damaged else (children, energy)


@njit(cache=True, nogil=True, inline="always")
def _probability(node, row, contexts, counters, bits, slots, inputs, mixer, rows, dots, apm):
    """Of a decision being 1: counters of all contexts, three weight sets of a mixer, a final estimate."""
    k = contexts.size
    for i in range(k):
        slots[i] = hash_index(contexts[i] * 1024 + node, bits)
        inputs[i] = counter_input(counters[i, slots[i]])
    inputs[k] = 256
    total = np.int64(0)
    for r in range(3):
        dots[r] = mixer_dot(mixer, rows[r], inputs, k + 1)
        total += dots[r]
    dots[3] = total // 3
    p = (squash(dots[3]) + 3 * apm_refine(apm, row, dots[3])) >> 2
    return min(max(p, 2), 65534)


@njit(cache=True, nogil=True, inline="always")
def _learn(bit, row, counters, slots, inputs, mixer, rows, dots, apm):
    k = slots.size
    for r in range(3):
        mixer_update(mixer, rows[r], inputs, k + 1, (bit << 16) - squash(dots[r]), _RATE)
    apm_update(apm, row, dots[3], bit, 5)
    for i in range(k):
        counters[i, slots[i]] = counter_update(counters[i, slots[i]], bit, 255)


@njit(cache=True, nogil=True)
def _decide(
    state, buffer, encode, bit, node, near, c, unrest, place, contexts, counters, bits, slots, inputs, mixer, rows,
    dots, apm, x,
):  # fmt: skip
    """Code one decision: `node` of 1024 as the tables and the first weight set tell them apart, `near` of 16 as the
    others do.  An encoder with 0.5 <= x < 1.5 steps before it decides here on 0 or 1."""
    rows[0] = c * _ROWS + node
    rows[1] = c * _ROWS + _DECISIONS + unrest * 16 + near
    rows[2] = c * _ROWS + _DECISIONS + _UNREST_ROWS + place * 16 + near
    row = c * _DECISIONS + node
    p = _probability(node, row, contexts, counters, bits, slots, inputs, mixer, rows, dots, apm)
    if encode and 0.5 <= x < 1.5:
        price = _COST[p >> 4] - _COST[4096 - (p >> 4)] + _EXTRA
        bit = np.int64(x * x > (x - 1) * (x - 1) + _LAGRANGE * price)
    bit = code_bit(state, buffer, p, bit, encode)
    _learn(bit, row, counters, slots, inputs, mixer, rows, dots, apm)
    return bit


@njit(cache=True, nogil=True)
def _code_value(
    state, buffer, encode, x, c, unrest, place, contexts, counters, bits, slots, inputs, mixer, rows, dots, apm
):
    """Code one coefficient, `x` steps long before rounding; returns its rounded value."""
    size = np.int64(abs(x) + 1 - _UP)
    coded = _decide(
        state, buffer, encode, np.int64(size != 0), 0, 0, c, unrest, place, contexts, counters, bits, slots, inputs,
        mixer, rows, dots, apm, abs(x),
    )  # fmt: skip
    if coded == 0:
        return np.int64(0)
    size = max(size, np.int64(1))
    negative = _decide(
        state, buffer, encode, np.int64(x < 0), 1, 1, c, unrest, place, contexts, counters, bits, slots, inputs, mixer,
        rows, dots, apm, 0.0,
    )  # fmt: skip
    e = np.int64(0)
    while e < 31:
        more = _decide(
            state, buffer, encode, np.int64(size >> e > 1), 2 + e, 2 + min(e, 7), c, unrest, place, contexts, counters,
            bits, slots, inputs, mixer, rows, dots, apm, 0.0,
        )  # fmt: skip
        if more == 0:
            break
        e += 1
    value = np.int64(1)
    for j in range(e):
        bit = (size >> (e - 1 - j)) & 1
        if j < 2:
            bit = _decide(
                state, buffer, encode, bit, 80 + e * 8 + value, 10 + j, c, unrest, place, contexts, counters, bits,
                slots, inputs, mixer, rows, dots, apm, 0.0,
            )  # fmt: skip
        else:
            bit = code_bit(state, buffer, 32768, bit, encode)
        value = value << 1 | bit
    return -value if negative else value


@njit(cache=True, nogil=True)
def _code(
    state, buffer, encode, neighbours, occupancy, first, weights, means, above, truth, children, energy, steps, trust,
    height, counters, mixer, apm,
):  # fmt: skip
    bits = 0
    while 1 << bits < counters.shape[1]:
        bits += 1
    n = neighbours.shape[0] - 1
    contexts, slots = np.zeros(CONTEXTS, np.int64), np.zeros(CONTEXTS, np.int64)
    inputs = np.zeros(CONTEXTS + 1, np.int64)
    rows, dots = np.zeros(3, np.int64), np.zeros(4, np.int64)
    guess, exact, found = np.zeros((8, 3), np.int64), np.zeros((8, 3), np.int64), np.zeros((8, 3), np.int64)
    w, sums, gains = np.zeros((3, 8), np.int64), np.zeros(8, np.int64), np.zeros(8, np.int64)
    left = np.zeros(3, np.int64)
    fit, level = np.zeros(5, np.int64), np.array([1, 0, 0])
    q = np.zeros((n + 1, 8, 3), np.int32)
    spent = np.zeros((n + 1, 3), np.int64)
    split = np.zeros(n + 1, np.uint8)
    for p in range(n):
        count = weigh(occupancy[p], weights, first[p], w, sums, gains)
        if count == 0:
            for c in range(3):
                children[first[p], c] = means[p, c]
                energy[first[p], c] = above[p, c]
            continue
        split[p] = 1
        predict_node(p, neighbours, occupancy, first, means, children, guess)
        if encode:
            children_of(p, occupancy, first, means, truth, exact)
        for c in range(3):
            differences(guess, w, sums, gains, c)
            found[0, c] = 0
            if encode:
                differences(exact, w, sums, gains, c)
        fit_around(p, neighbours, means, steps, level, fit)
        for at in range(7):
            k = PLACES[at]
            if gains[k] == 0:
                continue
            for c in range(3):
                quarter = steps[c] * (UNIT * GAIN // (4 * STEP_UNIT))
                part = divide(guess[k, c] * trust[c], TRUST)
                by_luma = np.int64(0)
                expected = part
                if c > 0:
                    by_luma, tied = tied_part(fit, c, left[0], left[1])
                    expected += tied
                unrest, wide = fill_contexts(
                    p, k, c, count, height, gains[k], divide(guess[k, c] * gains[k], quarter),
                    divide(by_luma * gains[k], quarter), neighbours, split, q, spent, above, contexts,
                )  # fmt: skip
                x = 0.0
                if encode:
                    x = (exact[k, c] - expected) * (gains[k] * (STEP_UNIT / (UNIT * GAIN)) / steps[c])
                value = _code_value(
                    state, buffer, encode, x, c, unrest, k * 4 + wide // 4, contexts, counters, bits, slots, inputs,
                    mixer, rows, dots, apm,
                )  # fmt: skip
                if abs(value) > _LARGEST:
                    return True
                q[p, k, c] = value
                spent[p, c] += abs(value)
                d = expected + divide(value * steps[c] * (UNIT * GAIN // STEP_UNIT), gains[k])
                found[k, c] = min(max(d, -_FARTHEST), _FARTHEST)
                # Chroma follows luma, and Cr what Cb had beyond that.
                left[c] = found[k, c] - (part + by_luma if c == 1 else part)
            learn_tied(found, k, level, fit)
        for c in range(3):
            undo_differences(found, w, sums, gains, c)
        row = first[p]
        for o in range(8):
            if occupancy[p] >> o & 1:
                for c in range(3):
                    children[row, c] = min(max(means[p, c] + found[o, c], -_FARTHEST), _FARTHEST)
                    energy[row, c] = spent[p, c]
                row += 1
    return False
