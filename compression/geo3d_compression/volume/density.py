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

from geo3d_compression.entropy.coder import code_bit
from geo3d_compression.volume.tables import CDF, LOG, QUANTILE, SQUASH, TREE_DEPTH
from geo3d_compression.volume.values import edge_below, rank_near

NODES = 64
SELECTIONS = 16
BIASES = 6
BIAS_BITS = 15
_APM_POINTS = 33

# Decisions that one value can take at most: the tree, a tail doubling 41 times, and halving 2^33 values.
MAX_DECISIONS = TREE_DEPTH + 42 + 34


class Mixture(NamedTuple):
    """What the coding of values has learned so far, and its scratch arrays."""

    weights_a: Any  # [NODES * SELECTIONS, K]
    weights_b: Any  # [NODES * SELECTIONS, K]
    bias: Any  # [BIASES, 2^BIAS_BITS]
    apm: Any  # [NODES * SELECTIONS, 33]
    mean: Any  # [K] predictions
    inverse: Any  # [K] 1 / scale
    below: Any  # [K] CDF at the interval's lower edge
    above: Any  # [K] CDF at its upper edge
    here: Any  # [K] CDF at the threshold
    logits: Any  # [K]
    keys: Any  # [BIASES] contexts of this value
    slots: Any  # [BIASES] their places in `bias` for this decision


def new_mixture(experts: int) -> Mixture:
    """A mixture that trusts all experts equally."""
    sets = NODES * SELECTIONS
    points = np.array([_initial_apm(i) for i in range(_APM_POINTS)])
    return Mixture(
        np.full((sets, experts), 1.0 / experts),
        np.full((sets, experts), 1.0 / experts),
        np.zeros((BIASES, 1 << BIAS_BITS)),
        np.tile(points, (sets, 1)),
        np.zeros(experts),
        np.zeros(experts),
        np.zeros(experts),
        np.zeros(experts),
        np.zeros(experts),
        np.zeros(experts),
        np.zeros(BIASES, np.int64),
        np.zeros(BIASES, np.int64),
    )


def _initial_apm(point: int) -> float:
    return float(SQUASH[int(((point - 16) * 0.5 + 12) * 128)]) if 8 <= point <= 40 else float(SQUASH[0])


@njit(cache=True, nogil=True, inline="always")
def _cdf(u):
    a = (u + 20.0) * 64.0
    if not (a > 0.0):
        return CDF[0]
    if a >= 2559.0:
        return CDF[2559]
    i = np.int64(a)
    return CDF[i] + (CDF[i + 1] - CDF[i]) * (a - i)


@njit(cache=True, nogil=True, inline="always")
def _logit(p):
    a = p * 4096.0
    i = np.int64(a)
    f = a - i
    return (LOG[i] + (LOG[i + 1] - LOG[i]) * f) - (LOG[4096 - i] + (LOG[4095 - i] - LOG[4096 - i]) * f)


@njit(cache=True, nogil=True, inline="always")
def _squash(x):
    a = (x + 12.0) * 128.0
    if not (a > 0.0):
        a = 0.0
    if a > 3071.0:
        a = 3071.0
    i = np.int64(a)
    return SQUASH[i] + (SQUASH[i + 1] - SQUASH[i]) * (a - i)


@njit(cache=True, nogil=True, error_model="numpy")
def code_rank(rank, alphabet, mixture, center, scale, select_a, select_b, rate, state, buffer, encode):
    """Encode `rank`, or decode one and return it.

    `mixture.mean`, `inverse` and `keys` are set by the caller; `center` and `scale` place the tree of thresholds;
    `select_a`, `select_b` < SELECTIONS choose the weight sets; `rate` is the learning rate.
    """
    mean, inverse, below, above, here, logits = (
        mixture.mean, mixture.inverse, mixture.below, mixture.above, mixture.here, mixture.logits,
    )  # fmt: skip
    experts = mean.size
    for k in range(experts):
        below[k] = 0.0
        above[k] = 1.0
    low, high = np.int64(0), np.int64(alphabet.size)
    node, depth, tail = 1, 0, 0
    while high - low > 1:
        if depth < TREE_DEPTH:
            target = center + scale * QUANTILE[node]
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
        edge = edge_below(alphabet, threshold)
        set_a = place * SELECTIONS + select_a
        set_b = place * SELECTIONS + select_b
        x_a, x_b = 0.0, 0.0
        for k in range(experts):
            f = _cdf((edge - mean[k]) * inverse[k])
            here[k] = f
            v = _logit((above[k] - f + 1e-10) / (above[k] - below[k] + 2e-10))
            logits[k] = v
            x_a += mixture.weights_a[set_a, k] * v
            x_b += mixture.weights_b[set_b, k] * v
        mixture.keys[BIASES - 1] = threshold
        x = 0.0
        for j in range(BIASES):
            slot = (mixture.keys[j] * NODES + place) & ((1 << BIAS_BITS) - 1)
            mixture.slots[j] = slot
            x += mixture.bias[j, slot]
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
        refined = mixture.apm[set_a, i] * (1.0 - part) + mixture.apm[set_a, i + 1] * part
        p16 = min(max(np.int64((p + refined) * 32768.0), 24), 65512)
        bit = code_bit(state, buffer, p16, 1 if rank >= threshold else 0, encode)
        step_a = (bit - _squash(x_a)) * rate
        step_b = (bit - _squash(x_b)) * rate
        step = (bit - p) * rate
        for k in range(experts):
            mixture.weights_a[set_a, k] += step_a * logits[k]
            mixture.weights_b[set_b, k] += step_b * logits[k]
        for j in range(BIASES):
            mixture.bias[j, mixture.slots[j]] += step
        mixture.apm[set_a, i] += (bit - mixture.apm[set_a, i]) * (0.02 * (1.0 - part))
        mixture.apm[set_a, i + 1] += (bit - mixture.apm[set_a, i + 1]) * (0.02 * part)
        if bit:
            low = threshold
            for k in range(experts):
                below[k] = here[k]
        else:
            high = threshold
            for k in range(experts):
                above[k] = here[k]
        node = 2 * node + bit
        depth += 1
    return low
