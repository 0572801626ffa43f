# mypy: allow-untyped-defs, no-check-untyped-defs
"""The nearest nodes of every node of a level, found among the children of its parent's nearest.

So a list costs the same on every level, however many cells apart the points of a sparse cloud are.  About one in twenty
of the truly nearest is missed, where a node's nearest are children of what its parent's list left out.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

NEAREST = 16


def root_nearest() -> NDArray[np.int32]:
    """Of the level that is one node, which has none."""
    return np.full((2, NEAREST), 1, np.int32)


@njit(cache=True, nogil=True)
def child_nearest(nearest, parent, coords):
    """Lists [m + 1, NEAREST] of a level of m nodes, nearest first, filled up with m, from the lists `nearest` [n + 1,
    NEAREST] of the level above.  `parent` [m + 1] rises; `coords` [m + 1, 3] in cells.  Ties: the earlier node first.
    """
    n, m = nearest.shape[0] - 1, parent.size - 1
    first = np.zeros(n + 2, np.int64)
    for c in range(m):
        first[parent[c] + 1] += 1
    for p in range(n + 1):
        first[p + 1] += first[p]
    result = np.full((m + 1, NEAREST), m, np.int32)
    best = np.zeros(NEAREST, np.int64)
    for c in range(m):
        count = 0
        for k in range(NEAREST + 1):
            p = parent[c] if k == 0 else nearest[parent[c], k - 1]
            if p == n:
                break
            for j in range(first[p], first[p + 1]):
                if j == c:
                    continue
                dx = np.int64(coords[j, 0]) - coords[c, 0]
                dy = np.int64(coords[j, 1]) - coords[c, 1]
                dz = np.int64(coords[j, 2]) - coords[c, 2]
                distance = dx * dx + dy * dy + dz * dz
                if count < NEAREST:
                    count += 1
                elif distance >= best[NEAREST - 1]:
                    continue
                at = count - 1
                while at > 0 and best[at - 1] > distance:
                    best[at] = best[at - 1]
                    result[c, at] = result[c, at - 1]
                    at -= 1
                best[at] = distance
                result[c, at] = j
    return result
