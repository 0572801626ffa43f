# mypy: allow-untyped-defs, no-check-untyped-defs
"""Error feedback: a node's error told from those of the earlier nodes around it, by weights that learn while coding.

A least-mean-squares filter over the errors of one stage (bit minus probability as coded), one weight for each place
where an earlier node can stand and each octant.  The mixer takes what it tells as one more logit.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d_compression.entropy.tables import STRETCH_LIMIT
from geo3d_compression.octree.earlier import PLACES

_RATE = 16
_LIMIT = 1 << 20
_ERROR_SHIFT = 6


def new_feedback() -> NDArray[np.int64]:
    """Weights [8, PLACES], one octant a row, that tell nothing yet."""
    return np.zeros((8, PLACES), np.int64)


@njit(cache=True, nogil=True, inline="always")
def told_by_errors(feedback, stage, earlier, start, errors, i):
    """What the `errors` [n + 1] of the `earlier` nodes from `start` on tell of node `i`, as a logit in 1/256."""
    total = np.int64(0)
    for e in range(earlier.ends[i], earlier.ends[i + 1]):
        if earlier.node[e] >= start:
            total += feedback[stage, earlier.place[e]] * errors[earlier.node[e]]
    return min(max(total >> 16, -STRETCH_LIMIT), STRETCH_LIMIT)


@njit(cache=True, nogil=True, inline="always")
def learn_from_error(feedback, stage, earlier, start, errors, i, error):
    """Gradient step on the coding cost, and node `i`'s place in `errors`.  `error` = bit * 65536 - p."""
    for e in range(earlier.ends[i], earlier.ends[i + 1]):
        if earlier.node[e] >= start:
            moved = feedback[stage, earlier.place[e]] + (error * _RATE * errors[earlier.node[e]] >> 20)
            feedback[stage, earlier.place[e]] = min(max(moved, -_LIMIT), _LIMIT)
    errors[i] = error >> _ERROR_SHIFT
