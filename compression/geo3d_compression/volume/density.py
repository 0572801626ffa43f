# mypy: allow-untyped-defs, no-check-untyped-defs
"""One value coded as binary decisions "is it at least t?" whose probabilities several experts and contexts mix.

Each expert is a logistic distribution: a prediction, and a scale learned for the context.  The thresholds descend a
tree of dyadic quantiles of the leading expert, then double outward in the tails or halve inside, so that a value takes
about as many decisions as it has bits.  For a threshold every expert gives P(x >= t | interval); their logits are mixed
by two online-learned weight sets (Mahoney 2005), contexts add learned biases, a secondary estimation (APM) corrects the
result, and the range coder takes it.

    experts (mean, scale) -> CDF -> logits --mixer--> + biases --squash--> APM --> 16-bit probability --> coder
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d_compression.entropy.coder import code_bit
from geo3d_compression.volume.tables import CDF, LOG_PAIRS, QUANTILE, SQUASH, TREE_DEPTH
from geo3d_compression.volume.values import edge_below, rank_near
from geo3d_compression.volume.vectors import LANES, add_scaled, expert_logits, prefetch

NODES = 64
SELECTIONS = 16
BIASES = 6
BIAS_BITS = 15
_APM_POINTS = 33
_SLOTS = (1 << BIAS_BITS) - 1
_THRESHOLDS = (1 << BIAS_BITS) // NODES

# Decisions that one value can take at most: the tree, a tail doubling 41 times, and halving 2^33 values.
MAX_DECISIONS = TREE_DEPTH + 42 + 34


class Mixture(NamedTuple):
    """What the coding of values has learned so far, and its scratch arrays; L: the number of experts K, rounded up."""

    weights_a: Any  # [NODES * SELECTIONS * L]
    weights_b: Any  # [NODES * SELECTIONS * L]
    bias: Any  # [BIASES * 2^BIAS_BITS]
    apm: Any  # [NODES * SELECTIONS * 33]
    lanes: Any  # [8, L] scratch of `vectors.expert_logits`; what is in lanes past the experts does not matter
    flat: Any  # [8 * L] the same memory
    mean: Any  # [K] predictions, row 0 of `lanes`
    inverse: Any  # [K] 1 / scale, row 1
    keys: Any  # [BIASES - 1] contexts of this value; the last is the threshold
    slots: Any  # [BIASES] their places in `bias` for this decision


def new_mixture(experts: int) -> Mixture:
    """A mixture that trusts all experts equally."""
    sets, lanes = NODES * SELECTIONS, -(-experts // LANES) * LANES
    points = np.array([_initial_apm(i) for i in range(_APM_POINTS)])
    weights = np.tile(np.where(np.arange(lanes) < experts, 1.0 / experts, 0.0), sets)
    flat = _aligned(np.zeros(8 * lanes))
    rows = flat.reshape(8, lanes)
    return Mixture(
        _aligned(weights), _aligned(weights), _aligned(np.zeros(BIASES << BIAS_BITS)), _aligned(np.tile(points, sets)),
        rows, flat, rows[0, :experts], rows[1, :experts], np.zeros(BIASES - 1, np.int64), np.zeros(BIASES, np.int64),
    )  # fmt: skip


def _aligned(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """A copy that begins with a cache line of 64 bytes."""
    room = np.zeros(values.size + 8)
    first = -(room.ctypes.data // 8) % 8
    out = room[first : first + values.size]
    out[:] = values
    return out


def _initial_apm(point: int) -> float:
    return float(SQUASH[int(((point - 16) * 0.5 + 12) * 128)]) if 8 <= point <= 40 else float(SQUASH[0])


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _squash(x):
    a = (x + 12.0) * 128.0
    if not (a > 0.0):
        a = 0.0
    if a > 3071.0:
        a = 3071.0
    i = np.int64(a)
    low = SQUASH[np.uint64(i)]
    return low + (SQUASH[np.uint64(i + 1)] - low) * (a - i)


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy", forceinline=True)
def code_rank(rank, alphabet, mixture, center, scale, select_a, select_b, rate, state, buffer, encode):
    """Encode `rank`, or decode one and return it.

    `mixture.mean`, `inverse` and `keys` are set by the caller; `center` and `scale` place the tree of thresholds;
    `select_a`, `select_b` < SELECTIONS choose the weight sets; `rate` is the learning rate.
    """
    lanes, flat, keys, slots, bias, apm = (
        mixture.lanes, mixture.flat, mixture.keys, mixture.slots, mixture.bias, mixture.apm,
    )  # fmt: skip
    weights_a, weights_b = mixture.weights_a, mixture.weights_b
    experts, width = mixture.mean.size, lanes.shape[1]
    for k in range(width):
        flat[2 * width + k] = 0.0
        flat[3 * width + k] = 1.0
    for j in range(BIASES - 1):
        # Places of the tree and of halving, in lines of eight.
        first = ((keys[j] * NODES) & _SLOTS) + (j << BIAS_BITS)
        prefetch(bias, first)
        prefetch(bias, first + 8)
        prefetch(bias, first + 32)
        prefetch(bias, first + 40)
    low, high = np.int64(0), np.int64(alphabet.size)
    node, depth, tail = 1, 0, 0
    while high - low > 1:
        if depth < TREE_DEPTH:
            target = center + scale * QUANTILE[np.uint64(node)]
            place = node
        elif low == 0 or high == alphabet.size:
            reach = scale * 0.7 * (np.int64(1) << min(tail, 40))
            if low > 0:
                target = edge_below(alphabet, low) + reach
            elif high < alphabet.size:
                target = edge_below(alphabet, high) - reach
            else:
                target = center
            place = 16 + min(tail, 7) + (8 if low == 0 else 0)
            tail += 1
            if tail > 40:
                target = 0.5 * (edge_below(alphabet, low) + edge_below(alphabet, high))
        else:
            target = 0.5 * (edge_below(alphabet, low) + edge_below(alphabet, high))
            place = 32 + min(depth - TREE_DEPTH, 7) + (8 if high - low <= 2 else 0)
        threshold = min(max(rank_near(alphabet, target), low + 1), high - 1)
        if depth > MAX_DECISIONS - 34:
            threshold = (low + high) >> 1
        x = 0.0
        for j in range(BIASES - 1):
            slot = ((keys[j] * NODES + place) & _SLOTS) + (j << BIAS_BITS)
            slots[j] = slot
            x += bias[np.uint64(slot)]
        # Thresholds of one place lie near those of the voxels before: side by side they stay in the cache.
        slot = place * _THRESHOLDS + (threshold & (_THRESHOLDS - 1)) + ((BIASES - 1) << BIAS_BITS)
        slots[BIASES - 1] = slot
        x += bias[np.uint64(slot)]
        edge = edge_below(alphabet, threshold)
        set_a = place * SELECTIONS + select_a
        row_a, row_b = set_a * width, (place * SELECTIONS + select_b) * width
        expert_logits(lanes, edge, weights_a, row_a, weights_b, row_b, CDF, LOG_PAIRS)
        x_a, x_b = 0.0, 0.0
        for k in range(experts):
            x_a += flat[6 * width + k]
            x_b += flat[7 * width + k]
        x_a += x
        x_b += x
        x = 0.5 * (x_a + x_b)
        p = _squash(x)
        cell = x * 2.0 + 16.0
        if not (cell > 0.0):
            cell = 0.0
        if cell > 31.999:
            cell = 31.999
        i = np.int64(cell)
        part = cell - i
        left, right = np.uint64(set_a * _APM_POINTS + i), np.uint64(set_a * _APM_POINTS + i + 1)
        refined = apm[left] * (1.0 - part) + apm[right] * part
        p16 = min(max(np.int64((p + refined) * 32768.0), 24), 65512)
        bit = code_bit(state, buffer, p16, 1 if rank >= threshold else 0, encode)
        step = (bit - p) * rate
        add_scaled(weights_a, row_a, flat, 5 * width, width, (bit - _squash(x_a)) * rate)
        add_scaled(weights_b, row_b, flat, 5 * width, width, (bit - _squash(x_b)) * rate)
        for j in range(BIASES):
            bias[np.uint64(slots[j])] += step
        apm[left] += (bit - apm[left]) * (0.02 * (1.0 - part))
        apm[right] += (bit - apm[right]) * (0.02 * part)
        bounds = 2 * width
        if bit:
            low = threshold
        else:
            high = threshold
            bounds = 3 * width
        for k in range(width):
            flat[bounds + k] = flat[4 * width + k]
        node = 2 * node + bit
        depth += 1
    return low
