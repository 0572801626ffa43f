# mypy: allow-untyped-defs, no-check-untyped-defs
"""Which nodes within two steps of a node come earlier in Morton order, for the networks that see their octants."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d_compression.octree.levels import CENTRE


def _two_steps() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For the 98 offsets of up to 2, one of them 2, in lexicographic order: columns of two steps that lead there."""
    offsets = np.stack(np.meshgrid(*[np.arange(-2, 3)] * 3, indexing="ij"), -1).reshape(-1, 3)
    offsets = offsets[np.abs(offsets).max(1) == 2]
    first = np.clip(offsets, -1, 1)
    return (first + 1) @ [9, 3, 1], (offsets - first + 1) @ [9, 3, 1]


FAR_FIRST, FAR_SECOND = _two_steps()
# Places: the 27 columns of a neighbour table, then the far offsets.
PLACES = 27 + len(FAR_FIRST)


class Earlier(NamedTuple):
    """The earlier nodes of node i are `node[ends[i]:ends[i + 1]]`."""

    ends: NDArray[np.int64]  # [n + 1]
    node: NDArray[np.int32]
    place: NDArray[np.uint8]  # where each stands: below `PLACES`


def no_earlier() -> Earlier:
    """For levels that no network asks it of."""
    return Earlier(np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.uint8))


def earlier_nodes(neighbours: NDArray[np.int32]) -> Earlier:
    """Of a level with neighbour table `neighbours` [n + 1, 27].

    A node two steps away counts where the one by way of which `FAR_FIRST` and `FAR_SECOND` lead there exists.
    """
    ends = np.zeros(len(neighbours), np.int64)
    _count(neighbours, ends)
    np.cumsum(ends, out=ends)
    node = np.zeros(ends[-1], np.int32)
    place = np.zeros(ends[-1], np.uint8)
    _fill(neighbours, ends, node, place)
    return Earlier(ends, node, place)


@njit(cache=True, nogil=True)
def _count(neighbours, counts):
    for i in range(neighbours.shape[0] - 1):
        found = 0
        for k in range(CENTRE):
            found += neighbours[i, k] < i
        for k in range(CENTRE + 1, 27):
            found += neighbours[i, k] < i
        for m in range(FAR_FIRST.size):
            found += neighbours[neighbours[i, FAR_FIRST[m]], FAR_SECOND[m]] < i
        counts[i + 1] = found


@njit(cache=True, nogil=True)
def _fill(neighbours, ends, node, place):
    for i in range(neighbours.shape[0] - 1):
        e = ends[i]
        for k in range(27):
            q = neighbours[i, k]
            if q < i:
                node[e], place[e] = q, k
                e += 1
        for m in range(FAR_FIRST.size):
            q = neighbours[neighbours[i, FAR_FIRST[m]], FAR_SECOND[m]]
            if q < i:
                node[e], place[e] = q, 27 + m
                e += 1
