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

# The coder's learning layer takes this many hidden units of a network at most, for its sums to fit 32 bits.
MAX_ACTIVATIONS = 128
MAX_SURPRISE = ACTIVATION_SCALE


class Head(NamedTuple):
    """What the coder's loop needs of a network at one stage; weights and sums in the network's number type."""

    sums: NDArray[Any]  # [nodes, H] of the hidden units without the earlier nodes' octants; no rows: nothing to be done
    beside: NDArray[Any]  # [PLACES, 3, H]: what an empty octant, a full one and a thirty-second of surprise add
    middle: NDArray[Any]  # [H, h]
    bias_middle: NDArray[Any]  # [h]
    top: NDArray[Any]  # [h]
    bias_top: NDArray[Any]  # [1]


def no_head(dtype: Any) -> Head:
    """The head of a network that is not there, or whose logits are made before the coder's loop."""
    shapes = ((0, 0), (PLACES, 3, 0), (0, 0), 0, 0, 1)
    return Head(*(np.zeros(shape, dtype) for shape in shapes))


@njit(cache=True, nogil=True, inline="always")
def top_logit(h1, h2, middle, bias_middle, top, bias_top, activations, i, column):
    """Logit of node `i` in 1/256 from sums `h1` [H]; `h2` [h] is scratch.  Both layers' activations, the last first, go
    to row `i` of `activations` from `column` on."""
    hidden, head = middle.shape
    for m in range(hidden):
        h1[m] = to_activation(h1[m])
        activations[i, column + head + m] = np.uint8(h1[m])
    for m in range(head):
        h2[m] = bias_middle[m]
    for m in range(hidden):
        x = h1[m]
        if x != 0:
            for j in range(head):
                h2[j] += x * middle[m, j]
    for m in range(head):
        h2[m] = to_activation(h2[m])
        activations[i, column + m] = np.uint8(h2[m])
    total = bias_top[0]
    for m in range(head):
        total += h2[m] * top[m]
    logit = (np.int64(total) + (1 << LOGIT_SHIFT >> 1)) >> LOGIT_SHIFT
    return min(max(logit, -LOGIT_LIMIT), LOGIT_LIMIT)


@njit(cache=True, nogil=True, inline="always")
def causal_logit(head, stage, known, surprise, earlier, start, i, row, activations, column, h1, h2):
    """Logit of node `i`, whose sums are row `row` of the head's, given octant `stage` and `surprise` [n + 1] of those
    of the `earlier` nodes that are not before `start`."""
    hidden = head.middle.shape[0]
    for j in range(hidden):
        h1[j] = head.sums[row, j]
    for e in range(earlier.ends[i], earlier.ends[i + 1]):
        q = earlier.node[e]
        if q < start:
            continue
        k = earlier.place[e]
        bit = known[q] >> stage & 1
        # Far ones have no row for empty octants.
        if bit or k < 27:
            for j in range(hidden):
                h1[j] += head.beside[k, bit, j]
        wonder = surprise[q]
        if wonder != 0:
            for j in range(hidden):
                h1[j] += wonder * head.beside[k, 2, j]
    return top_logit(h1, h2, head.middle, head.bias_middle, head.top, head.bias_top, activations, i, column)


@njit(cache=True, nogil=True, inline="always")
def surprise_of(base, bit):
    """How far `bit` is from what logit `base` expected, in [-32, 32].  Mirrors `nn.network`."""
    return ((bit << 16) - squash(base) + (65536 // MAX_SURPRISE >> 1)) // (65536 // MAX_SURPRISE)
