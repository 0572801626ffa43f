# mypy: allow-untyped-defs, no-check-untyped-defs
"""The last layers of an octree network for one node, as its own kernel and the coder's loop run them.

A causal network's hidden units also see octant `stage` of the nodes around that come earlier in Morton order
(`earlier`), and how far each was from what its own base logit expected: the logit of the same layers that do not see
them.  They are known only while the stage is being coded, so its logits are made there, node by node.  The sums without
them and the base logits are made before, for many nodes at once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d_compression.entropy.models import squash
from geo3d_compression.octree.earlier import PLACES
from geo3d_compression.octree.integers import ACTIVATION_SCALE, LOGIT_LIMIT, LOGIT_SHIFT, to_activation
from geo3d_compression.octree.sums import add_multiples, list_nonzero

# The coder's learning layer takes this many hidden units of a network at most, for its sums to fit 32 bits.
MAX_ACTIVATIONS = 128
MAX_SURPRISE = ACTIVATION_SCALE

# Rows that a layer sums at most: of hidden units, of nibbles around, of places around and of surprises there.
MAX_ROWS = max(MAX_ACTIVATIONS, 2 * 27, 2 * PLACES) + 1


class Head(NamedTuple):
    """What the coder's loop needs of a network at one stage; weights and sums in the network's number type."""

    sums: NDArray[Any]  # [nodes, H] of the hidden units without the earlier nodes' octants; no rows: nothing to be done
    beside: NDArray[Any]  # [PLACES * 3, H]: what an empty octant, a full one and a thirty-second of surprise add
    middle: NDArray[Any]  # [H, h]
    bias_middle: NDArray[Any]  # [h]
    top: NDArray[Any]  # [h]
    bias_top: NDArray[Any]  # [1]


def no_head(dtype: Any) -> Head:
    """The head of a network that is not there, or whose logits are made before the coder's loop."""
    shapes = ((0, 0), (PLACES * 3, 0), (0, 0), 0, 0, 1)
    return Head(*(np.zeros(shape, dtype) for shape in shapes))


@njit(cache=True, nogil=True, inline="always")
def top_logit(h1, h2, middle, bias_middle, top, bias_top, activations, rows, factors):
    """Logit of a node in 1/256 from sums `h1` [H]; `h2` [h] and `rows`, `factors` [MAX_ROWS] are scratch.  Both layers'
    activations, the last first, go to `activations` [h + H or more]."""
    hidden, head = middle.shape
    for m in range(hidden):
        h1[m] = to_activation(h1[m])
    for m in range(hidden):
        activations[head + m] = np.uint8(h1[m])
    h2[:head] = bias_middle
    count = list_nonzero(h1[:hidden], 0, rows, factors, 0)
    add_multiples(count, rows, factors, middle, h2[:head])
    for m in range(head):
        h2[m] = to_activation(h2[m])
    for m in range(head):
        activations[m] = np.uint8(h2[m])
    total = bias_top[0]
    for m in range(head):
        total += h2[m] * top[m]
    logit = (np.int64(total) + (1 << LOGIT_SHIFT >> 1)) >> LOGIT_SHIFT
    return min(max(logit, -LOGIT_LIMIT), LOGIT_LIMIT)


@njit(cache=True, nogil=True, inline="always")
def causal_logit(head, stage, known, surprise, earlier, start, i, row, activations, h1, h2, rows, factors):
    """Logit of node `i`, whose sums are row `row` of the head's, given octant `stage` and `surprise` [n + 1] of those
    of the `earlier` nodes that are not before `start`; the rest as of `top_logit`."""
    hidden = head.middle.shape[0]
    h1[:hidden] = head.sums[row]
    count = 0
    for e in range(earlier.ends[i], earlier.ends[i + 1]):
        q = earlier.node[e]
        if q < start:
            continue
        k = np.int64(earlier.place[e])
        bit = np.int64(known[q]) >> stage & 1
        # Far ones have no row for empty octants.
        rows[count] = 3 * k + bit
        factors[count] = 1
        count += bit | (k < 27)
        rows[count] = 3 * k + 2
        factors[count] = surprise[q]
        count += surprise[q] != 0
    add_multiples(count, rows, factors, head.beside, h1[:hidden])
    return top_logit(h1, h2, head.middle, head.bias_middle, head.top, head.bias_top, activations, rows, factors)


@njit(cache=True, nogil=True, inline="always")
def surprise_of(base, bit):
    """How far `bit` is from what logit `base` expected, in [-32, 32].  Mirrors `nn.network`."""
    return ((bit << 16) - squash(base) + (65536 // MAX_SURPRISE >> 1)) // (65536 // MAX_SURPRISE)
