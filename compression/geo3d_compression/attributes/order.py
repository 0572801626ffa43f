"""The order in which a tile's points get their attribute values, and the decoded neighbours each is predicted from.

Coarse to fine: an octree node takes over the value of its first child, so level l adds one value for every node of
level l that is not a first child.  A prefix of the values therefore colours the cloud at a coarser level, and most
points of a surface are predicted from decoded points on all sides.  (The idea of G-PCC's levels of detail,
ISO/IEC 23090-9, here on the octree itself.)  Everything follows from the geometry down to the level that is coded, in
integers, so a decoder that stops at level l computes the same order.

    level 0   o                              1 value
    level 1   o . o .                        first child (o) repeats, others (.) are new
    level 2   o. .. o . .o
    points    o. .. o . .oxx                 x: further points of a voxel that holds several
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

NEIGHBOURS = 8
# With fewer neighbours than this at its own level, a point looks one level up too.
_ENOUGH = 5


@dataclass(frozen=True, eq=False)
class CodingOrder:
    """Positions in coding order.

    position    [V] int64: where the value of voxel v (Morton order) is; for a voxel with several points, of its first
    neighbours  [N, 8] int32: coding positions, all smaller than the row's own, nearest first; -1 = none
    distances   [N, 8] int32: squared distances in quarter cells, 0 where there is none
    starts      [depth + 3] int64: level l adds values starts[l] to starts[l + 1]; the last row is the further points
    """

    position: NDArray[np.int64]
    neighbours: NDArray[np.int32]
    distances: NDArray[np.int32]
    starts: NDArray[np.int64]

    def of_points(self, counts: NDArray[np.int64] | None) -> NDArray[np.int64]:
        """[N] coding position of every point, points of a voxel next to each other."""
        if counts is None:
            return self.position
        result = np.repeat(self.position, counts)
        first = np.zeros(len(result), bool)
        first[np.cumsum(counts) - counts] = True
        result[~first] = np.arange(self.starts[-2], self.starts[-1])
        return result


def build_order(codes: NDArray[np.int64], depth: int, counts: NDArray[np.int64] | None = None) -> CodingOrder:
    """Order of the voxels with Morton `codes` (rising) in a cube of 2^depth; `counts`: points in each, if not all 1."""
    voxels = len(codes)
    total = voxels if counts is None else int(counts.sum())
    neighbours = np.full((total, NEIGHBOURS), -1, np.int32)
    distances = np.zeros((total, NEIGHBOURS), np.int32)
    starts = np.zeros(depth + 3, np.int64)
    starts[1] = 1
    position = np.zeros(1, np.int64)
    parents = codes[:1] >> 3 * depth
    parent_table = hash_table(parents)
    for level in range(1, depth + 1):
        nodes = codes >> 3 * (depth - level)
        nodes = nodes[np.append(True, nodes[1:] != nodes[:-1])]
        up = nodes >> 3
        is_first = np.append(True, up[1:] != up[:-1])
        new = ~is_first
        parent_position = position
        position = np.where(is_first, parent_position[np.cumsum(is_first) - 1], starts[level] + np.cumsum(new) - 1)
        starts[level + 1] = starts[level] + new.sum()
        table = hash_table(nodes)
        if starts[level + 1] > starts[level]:
            _find_neighbours(
                nodes, position, table, parents, parent_position, parent_table, starts[level], neighbours, distances
            )
        parents, parent_table = nodes, table
    starts[depth + 2] = total
    if counts is not None and total > voxels:
        _chain_further_points(position, counts, voxels, neighbours, distances)
    return CodingOrder(position, neighbours, distances, starts)


def hash_table(codes: NDArray[np.int64]) -> NDArray[np.int32]:
    table = np.full(1 << max(4, (2 * len(codes) - 1).bit_length()), -1, np.int32)
    _fill(codes, table)
    return table


@njit(cache=True, nogil=True, inline="always")
def _slot(code, size):  # type: ignore[no-untyped-def]
    h = np.uint64(code) * np.uint64(0x9E3779B97F4A7C15)
    h ^= h >> np.uint64(32)
    return np.int64(h & np.uint64(size - 1))


@njit(cache=True, nogil=True)
def _fill(codes, table):  # type: ignore[no-untyped-def]
    for i in range(codes.size):
        s = _slot(codes[i], table.size)
        while table[s] >= 0:
            s = (s + 1) & (table.size - 1)
        table[s] = i


@njit(cache=True, nogil=True)
def find_code(codes, table, code):  # type: ignore[no-untyped-def]
    s = _slot(code, table.size)
    while table[s] >= 0:
        if codes[table[s]] == code:
            return np.int64(table[s])
        s = (s + 1) & (table.size - 1)
    return np.int64(-1)


@njit(cache=True, nogil=True)
def _insert(row_n, row_d, position, distance):  # type: ignore[no-untyped-def]
    """Keep the nearest, equal distances in the order they came; a position enters once."""
    k = NEIGHBOURS - 1
    if row_d[k] != 0 and row_d[k] <= distance:
        return
    for i in range(NEIGHBOURS):
        if row_n[i] == position:
            return
    while k > 0 and (row_d[k - 1] == 0 or row_d[k - 1] > distance):
        row_n[k], row_d[k] = row_n[k - 1], row_d[k - 1]
        k -= 1
    row_n[k], row_d[k] = position, distance


MASK_X = 0x4924924924924924
MASK_Y = 0x2492492492492492
MASK_Z = 0x1249249249249249


@njit(cache=True, nogil=True)
def step_code(code, mask, unit, d):  # type: ignore[no-untyped-def]
    """The masked coordinate moved by d in -1, 0, 1, or -1 if it leaves 0 ... 2^21 - 1."""
    part = code & mask
    if d > 0:
        if part == mask:
            return np.int64(-1)
        return ((code | ~mask) + unit) & mask
    if d < 0:
        if part == 0:
            return np.int64(-1)
        return (part - unit) & mask
    return part


@njit(cache=True, nogil=True)
def _find_neighbours(  # type: ignore[no-untyped-def]
    nodes, position, table, parents, parent_position, parent_table, base, neighbours, distances
):
    for j in range(nodes.size):
        t = position[j]
        if t < base:
            continue
        row_n, row_d = neighbours[t], distances[t]
        code = nodes[j]
        _scan(code, nodes, position, table, t, 0, row_n, row_d)
        if row_n[_ENOUGH - 1] < 0:
            # Where the level is sparse, look twice as far: every node one level up has its value already.
            _scan(code >> 3, parents, parent_position, parent_table, t, 1 + (code & 7), row_n, row_d)


@njit(cache=True, nogil=True)
def _scan(code, nodes, position, table, t, octant, row_n, row_d):  # type: ignore[no-untyped-def]
    """Offer the 26 neighbours of `code` that come before t.  octant 0: own level; else 1 + octant in the parent."""
    for dx in range(-1, 2):
        x = step_code(code, MASK_X, 4, dx)
        if x < 0:
            continue
        for dy in range(-1, 2):
            y = step_code(code, MASK_Y, 2, dy)
            if y < 0:
                continue
            for dz in range(-1, 2):
                z = step_code(code, MASK_Z, 1, dz)
                if z < 0 or (octant == 0 and dx == 0 and dy == 0 and dz == 0):
                    continue
                j = find_code(nodes, table, x | y | z)
                if j < 0 or position[j] >= t:
                    continue
                if octant == 0:
                    d = 16 * (dx * dx + dy * dy + dz * dz)
                else:
                    # Cells of the parent level are 8 quarters wide; their centres lie 2 quarters from a child's.
                    o = octant - 1
                    ex, ey, ez = 8 * dx + 2 - 4 * (o >> 2), 8 * dy + 2 - 4 * (o >> 1 & 1), 8 * dz + 2 - 4 * (o & 1)
                    d = ex * ex + ey * ey + ez * ez
                _insert(row_n, row_d, position[j], d)


@njit(cache=True, nogil=True)
def _chain_further_points(position, counts, base, neighbours, distances):  # type: ignore[no-untyped-def]
    """Further points of a voxel: nearest are its previous points, then what its first point had."""
    t = base
    for v in range(counts.size):
        first = position[v]
        for k in range(1, counts[v]):
            row_n, row_d = neighbours[t], distances[t]
            if k > 1:
                _insert(row_n, row_d, t - 1, 3)
            _insert(row_n, row_d, first, 4)
            for i in range(NEIGHBOURS - 2):
                if neighbours[first, i] >= 0:
                    _insert(row_n, row_d, neighbours[first, i], distances[first, i])
            t += 1
