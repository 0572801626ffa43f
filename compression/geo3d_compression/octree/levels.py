# mypy: allow-untyped-defs, no-check-untyped-defs
"""The octree's levels as arrays: nodes in Morton order, their occupancy bytes, and who neighbours whom.

A level with n nodes has a neighbour table [n + 1, 27]: the index of the node at each offset (dx, dy, dz), each -1, 0 or
1, at column 9 (dx + 1) + 3 (dy + 1) + (dz + 1), or n where there is none.  Row n is that absent node, so that per-node
arrays with one empty entry at the end need no test for absence.  A child's table follows from its parent's alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

CENTRE = 13


class Level(NamedTuple):
    """Nodes of one level in Morton order; all decoder knowledge except their occupancy."""

    coords: NDArray[np.int32]  # [n + 1, 3], in cells of this level
    neighbours: NDArray[np.int32]  # [n + 1, 27]
    parent: NDArray[np.int32]  # [n + 1]
    octant: NDArray[np.uint8]  # [n + 1], place in the parent

    @property
    def size(self) -> int:
        """Number of nodes."""
        return len(self.coords) - 1


def _child_tables() -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """For octant o and offset k of a child: column of the node that holds the neighbour, and its octant there."""
    column = np.zeros((8, 27), np.int8)
    octant = np.zeros((8, 27), np.int8)
    for o in range(8):
        for k in range(27):
            moved = [(o >> (2 - a) & 1) + (k // 3 ** (2 - a) % 3) - 1 for a in range(3)]
            column[o, k] = sum(((m >> 1) + 1) * 3 ** (2 - a) for a, m in enumerate(moved))
            octant[o, k] = sum((m & 1) << (2 - a) for a, m in enumerate(moved))
    return column, octant


CHILD_COLUMN, CHILD_OCTANT = _child_tables()
POPCOUNT: NDArray[np.int8] = np.array([bin(b).count("1") for b in range(256)], np.int8)


def root_level() -> Level:
    """The level that is one node."""
    neighbours = np.ones((2, 27), np.int32)
    neighbours[0, CENTRE] = 0
    return Level(np.zeros((2, 3), np.int32), neighbours, np.zeros(2, np.int32), np.zeros(2, np.uint8))


def child_level(level: Level, occupancy: NDArray[np.uint8]) -> Level:
    """The next finer level.  `occupancy` [n + 1]: bit o of byte i says that node i has child o; entry n is 0."""
    counts = POPCOUNT[occupancy].astype(np.int64)
    first = np.concatenate([[0], np.cumsum(counts[:-1])]).astype(np.int32)
    return Level(*_children(level.coords, level.neighbours, occupancy, first, int(counts.sum())))


@njit(cache=True, nogil=True)
def _children(coords, neighbours, occupancy, first, total):
    child_coords = np.zeros((total + 1, 3), np.int32)
    child_neighbours = np.full((total + 1, 27), total, np.int32)
    parent = np.full(total + 1, coords.shape[0] - 1, np.int32)
    octant = np.zeros(total + 1, np.uint8)
    c = 0
    for p in range(coords.shape[0] - 1):
        for o in range(8):
            if not occupancy[p] >> o & 1:
                continue
            child_coords[c, 0] = 2 * coords[p, 0] + (o >> 2)
            child_coords[c, 1] = 2 * coords[p, 1] + (o >> 1 & 1)
            child_coords[c, 2] = 2 * coords[p, 2] + (o & 1)
            parent[c] = p
            octant[c] = o
            for k in range(27):
                q = neighbours[p, CHILD_COLUMN[o, k]]
                oo = CHILD_OCTANT[o, k]
                if occupancy[q] >> oo & 1:
                    child_neighbours[c, k] = first[q] + POPCOUNT[occupancy[q] & ((1 << oo) - 1)]
            c += 1
    return child_coords, child_neighbours, parent, octant


def occupancy_of(codes: NDArray[np.int64], depth: int) -> list[NDArray[np.uint8]]:
    """Occupancy bytes [n + 1] of levels 0 .. depth - 1, from sorted unique Morton codes of the leaves."""
    result = []
    for _ in range(depth):
        parents = codes >> 3
        starts = np.flatnonzero(np.concatenate([[True], parents[1:] != parents[:-1]]))
        bits = np.left_shift(1, (codes & 7)).astype(np.uint8)
        result.append(np.concatenate([np.bitwise_or.reduceat(bits, starts), [0]]).astype(np.uint8))
        codes = parents[starts]
    return result[::-1]
