# mypy: allow-untyped-defs, no-check-untyped-defs
"""The region-adaptive hierarchical transform on an octree, on means and in integers.

Queiroz and Chou 2016, "Compression of 3D point clouds using a region-adaptive hierarchical transform".  Their butterfly
(eq. 3) of two nodes with means a, c and w_a, w_c points has the low value sqrt(w_a + w_c) * mean and the high value
sqrt(w_a w_c / (w_a + w_c)) * (c - a).  Of a node's (up to 8) children three rounds of butterflies leave its mean,
which is known from the level above, and a difference for every child but one.  Differences are what is predicted and
inverted here, and their gain g = sqrt(w_a w_c / (w_a + w_c)), which makes the transform orthonormal, enters where they
are quantised alone: one step serves all levels.

Means are in 1 / `UNIT`, gains in 1 / `GAIN`; all arithmetic is on integers, so that every machine computes the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from geo3d_compression.octree.levels import (
    CENTRE,
    CHILD_COLUMN,
    CHILD_OCTANT,
    POPCOUNT,
    Level,
    child_level,
    occupancy_of,
    root_level,
)
from numba import njit
from numpy.typing import NDArray

UNIT = 1024
GAIN = 256
# Steps in the header are in sixteenths.
STEP_UNIT = 16
# High values by place: the last butterfly's (x) first, it has the most energy.
PLACES = np.array([4, 2, 6, 1, 3, 5, 7])

# Weights of what a child's mean is predicted from: its node and the nodes around by how many axes they are off
# (trilinear), and the children beside it in nodes that are decoded.
_BY_NODE = np.array([20, 9, 3, 1])
_BY_CHILD = np.array([0, 9, 3, 1])


class Nodes(NamedTuple):
    """One level's nodes and their children.

    level      n nodes and who neighbours whom
    occupancy  [n + 1] uint8: which children there are
    first      [n + 1] int64: row of a node's first child
    weights    [M] int64: voxels in each child
    """

    level: Level
    occupancy: NDArray[np.uint8]
    first: NDArray[np.int64]
    weights: NDArray[np.int64]


def levels_of(codes: NDArray[np.int64], depth: int) -> Iterator[Nodes]:
    """Levels 0 ... depth - 1 of the voxels with Morton `codes` (rising); every voxel weighs the same."""
    occupancies = occupancy_of(codes, depth)
    level = root_level()
    for index, occupancy in enumerate(occupancies):
        below = codes >> 3 * (depth - 1 - index)
        starts = np.flatnonzero(np.append(True, below[1:] != below[:-1]))
        weights = np.diff(np.append(starts, len(codes)))
        counts = POPCOUNT[occupancy].astype(np.int64)
        yield Nodes(level, occupancy, np.cumsum(counts) - counts, weights)
        if index + 1 < depth:
            level = child_level(level, occupancy)


@njit(cache=True, nogil=True)
def isqrt(x):
    """floor(sqrt(x)) of 0 <= x < 2^62."""
    r = np.int64(np.sqrt(np.float64(x)))
    while r * r > x:
        r -= 1
    while (r + 1) * (r + 1) <= x:
        r += 1
    return r


@njit(cache=True, nogil=True, inline="always")
def divide(a, b):
    """a / b rounded, halves away from zero; b > 0."""
    return (a + (b >> 1)) // b if a >= 0 else -((-a + (b >> 1)) // b)


@njit(cache=True, nogil=True, inline="always")
def predict_node(p, neighbours, occupancy, first, means, children, out):
    """Predicted means `out` [8, 3] of node p's children, relative to its own: from the `means` [n + 1, 3] of the nodes
    around and, where those come earlier, from their decoded `children`."""
    n = neighbours.shape[0] - 1
    for o in range(8):
        if not occupancy[p] >> o & 1:
            continue
        for c in range(3):
            out[o, c] = 0
        total = _BY_NODE[0]
        for k in range(27):
            column = CHILD_COLUMN[o, k]
            if column == CENTRE:
                continue
            q = neighbours[p, column]
            # Nodes that are not there are not before p.
            if q >= p:
                continue
            octant = CHILD_OCTANT[o, k]
            if occupancy[q] >> octant & 1:
                child = first[q] + POPCOUNT[occupancy[q] & ((1 << octant) - 1)]
                w = _BY_CHILD[abs(k // 9 - 1) + abs(k // 3 % 3 - 1) + abs(k % 3 - 1)]
                total += w
                for c in range(3):
                    out[o, c] += w * (children[child, c] - means[p, c])
        dx, dy, dz = 2 * (o >> 2) - 1, 2 * (o >> 1 & 1) - 1, 2 * (o & 1) - 1
        for corner in range(1, 8):
            x, y, z = corner >> 2, corner >> 1 & 1, corner & 1
            q = neighbours[p, 9 * (dx * x + 1) + 3 * (dy * y + 1) + dz * z + 1]
            if q == n:
                continue
            w = _BY_NODE[x + y + z]
            total += w
            for c in range(3):
                out[o, c] += w * (means[q, c] - means[p, c])
        for c in range(3):
            out[o, c] = divide(out[o, c], total)


@njit(cache=True, nogil=True, inline="always")
def children_of(p, occupancy, first, means, truth, out):
    """The true means `out` [8, 3] of node p's children, relative to its own."""
    row = first[p]
    for o in range(8):
        if occupancy[p] >> o & 1:
            for c in range(3):
                out[o, c] = truth[row, c] - means[p, c]
            row += 1


@njit(cache=True, nogil=True, inline="always")
def weigh(occupancy, weights, row, w, sums, gains):
    """Of a node's children, whose first is `row`: points `w` [3, 8] below each butterfly's arms at strides 1, 2, 4, the
    gain of each place (0: no difference there) and the number of places."""
    for o in range(8):
        w[0, o] = 0
        gains[o] = 0
        if occupancy >> o & 1:
            w[0, o] = weights[row]
            row += 1
    places = 0
    for r in range(3):
        stride = 1 << r
        for a in range(0, 8, 2 * stride):
            left, right = w[r, a], w[r, a + stride]
            if r < 2:
                w[r + 1, a] = left + right
            if left > 0 and right > 0:
                sums[a + stride] = left + right
                # Eight bits of fraction after the root; weights above 2^23 do without.
                product = left * right
                if product < np.int64(1) << 46:
                    gains[a + stride] = max(isqrt((product << 16) // (left + right)), 1)
                else:
                    gains[a + stride] = isqrt(product // (left + right)) << 8
                places += 1
    return places


@njit(cache=True, nogil=True, inline="always")
def differences(values, w, sums, gains, c):
    """Turn channel c of `values` [8, 3], a node's children's means, into the difference at every place with a gain; at
    place 0 the mean is left."""
    for r in range(3):
        stride = 1 << r
        for a in range(0, 8, 2 * stride):
            b = a + stride
            if gains[b] > 0:
                d = values[b, c] - values[a, c]
                values[a, c] += divide(w[r, b] * d, sums[b])
                values[b, c] = d
            elif w[r, b] > 0:
                values[a, c] = values[b, c]


@njit(cache=True, nogil=True, inline="always")
def undo_differences(values, w, sums, gains, c):
    """The inverse of `differences`."""
    for r in range(2, -1, -1):
        stride = 1 << r
        for a in range(0, 8, 2 * stride):
            b = a + stride
            if gains[b] > 0:
                d = values[b, c]
                values[a, c] -= divide(w[r, b] * d, sums[b])
                values[b, c] = values[a, c] + d
            elif w[r, b] > 0:
                values[b, c] = values[a, c]
