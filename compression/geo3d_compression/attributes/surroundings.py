"""For each value in coding order: decoded neighbours with exact offsets, more and farther ones than `order` keeps.

A node looks through the children of the 27 cells around its parent, that is, at least two nodes far on every side, and
where those are few, through the nodes one level up.  The order is that of `order.build_order`, and like there all
follows from the geometry down to the level that is coded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from geo3d_compression.attributes.order import MASK_X, MASK_Y, MASK_Z, CodingOrder, find_code, hash_table, step_code
from numba import njit
from numpy.typing import NDArray

from geo3d.ops.morton import morton_decode

NEAR = 20
# Offsets in quarter cells, one packed number of three such digits; the middle one is 0.
DIGIT, MIDDLE = 128, 64
# With fewer neighbours than this at its own level, a node looks one level up too.
_ENOUGH = 6


@dataclass(frozen=True, eq=False)
class Surroundings:
    """Of each coding position, what is near it.

    near   [N, 20] int32: coding positions, all smaller than the row's own, nearest first; -1 = none
    place  [N, 20] int32: offsets to them in quarter cells, x y z as three digits to the base `DIGIT`
    level  [N] uint8: levels above the finest at which the position is coded
    """

    near: NDArray[np.int32]
    place: NDArray[np.int32]
    level: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class _Level:
    """Nodes of a level: Morton codes, corners [n, 3], coding positions; first child of each node above, and the end."""

    codes: NDArray[np.int64]
    xyz: NDArray[np.int32]
    position: NDArray[np.int64]
    first: NDArray[np.int64]
    table: NDArray[np.int32]


def find_surroundings(
    codes: NDArray[np.int64], depth: int, order: CodingOrder, counts: NDArray[np.int64] | None = None, missing: int = 0
) -> Surroundings:
    """Surroundings of the voxels with Morton `codes`, whose `order` was built from the same arguments.

    `missing` is how many levels finer the cloud was coded.
    """
    total = int(order.starts[-1])
    near = np.full((total, NEAR), -1, np.int32)
    place = np.zeros((total, NEAR), np.int32)
    level = np.repeat(np.maximum(missing + np.arange(depth + 2)[::-1] - 1, 0), np.diff(order.starts)).astype(np.uint8)
    above = up = None
    for number, now in enumerate(_levels(codes, depth, order.starts)):
        if up is not None and order.starts[number + 1] > order.starts[number]:
            over = above or up
            _search(
                now.xyz, now.position, now.first, up.codes, up.table, up.xyz, up.position, over.codes, over.table,
                up.first, order.starts[number], near, place,
            )  # fmt: skip
        above, up = up, now
    if counts is not None and total > len(codes):
        _chain(order.position, counts, len(codes), near, place)
    return Surroundings(near, place, level)


def _levels(codes: NDArray[np.int64], depth: int, starts: NDArray[np.int64]) -> Iterator[_Level]:
    """The octree's levels from the root on."""
    position = np.zeros(1, np.int64)
    for number in range(depth + 1):
        nodes = codes >> 3 * (depth - number)
        nodes = nodes[np.append(True, nodes[1:] != nodes[:-1])]
        up = nodes >> 3
        is_first = np.append(True, up[1:] != up[:-1])
        if number:
            position = np.where(
                is_first, position[np.cumsum(is_first) - 1], starts[number] + np.cumsum(~is_first) - 1
            )  # fmt: skip
        first = np.append(np.flatnonzero(is_first), len(nodes))
        yield _Level(nodes, morton_decode(nodes).astype(np.int32), position, first, hash_table(nodes))


@njit(cache=True, nogil=True)
def _beside(code, codes, table, found):  # type: ignore[no-untyped-def]
    """Nodes among the 27 around `code`, itself included; returns how many."""
    n = 0
    for dx in range(-1, 2):
        x = step_code(code, MASK_X, 4, dx)
        for dy in range(-1, 2):
            y = step_code(code, MASK_Y, 2, dy)
            for dz in range(-1, 2):
                z = step_code(code, MASK_Z, 1, dz)
                if x < 0 or y < 0 or z < 0:
                    continue
                j = find_code(codes, table, x | y | z)
                if j >= 0:
                    found[n] = j
                    n += 1
    return n


@njit(cache=True, nogil=True)
def _offer(row, dist, digits, count, position, dx, dy, dz):  # type: ignore[no-untyped-def]
    """Keep the nearest, equal distances in the order they came; a position enters once.  Returns how many there are."""
    d = dx * dx + dy * dy + dz * dz
    if count == NEAR and dist[NEAR - 1] <= d:
        return count
    for i in range(count):
        if row[i] == position:
            return count
    k = count if count < NEAR else NEAR - 1
    while k > 0 and dist[k - 1] > d:
        row[k], dist[k], digits[k] = row[k - 1], dist[k - 1], digits[k - 1]
        k -= 1
    row[k], dist[k] = position, d
    digits[k] = ((dx + MIDDLE) * DIGIT + dy + MIDDLE) * DIGIT + dz + MIDDLE
    return min(count + 1, NEAR)


@njit(cache=True, nogil=True)
def _search(  # type: ignore[no-untyped-def]
    xyz, position, first, up_codes, up_table, up_xyz, up_position, over_codes, over_table, up_first, base, near, place
):
    beside, over = np.zeros(27, np.int64), np.zeros(27, np.int64)
    row, dist, digits = np.zeros(NEAR, np.int64), np.zeros(NEAR, np.int64), np.zeros(NEAR, np.int64)
    over_of, over_count = np.int64(-1), 0
    for p in range(up_codes.size):
        if first[p + 1] - first[p] < 2:
            continue
        cells = _beside(up_codes[p], up_codes, up_table, beside)
        # The first child has its value from above.
        for j in range(first[p] + 1, first[p + 1]):
            t = position[j]
            x, y, z = np.int64(xyz[j, 0]), np.int64(xyz[j, 1]), np.int64(xyz[j, 2])
            count = 0
            for q in range(cells):
                for m in range(first[beside[q]], first[beside[q] + 1]):
                    if position[m] < t:
                        dx, dy, dz = 4 * (xyz[m, 0] - x), 4 * (xyz[m, 1] - y), 4 * (xyz[m, 2] - z)
                        count = _offer(row, dist, digits, count, position[m], dx, dy, dz)
            if count < _ENOUGH:
                if up_codes[p] >> 3 != over_of:
                    over_of = up_codes[p] >> 3
                    over_count = _beside(over_of, over_codes, over_table, over)
                for q in range(over_count):
                    for m in range(up_first[over[q]], up_first[over[q] + 1]):
                        if up_position[m] < t:
                            # From the middle of this node to that of one twice as wide.
                            dx, dy = 8 * up_xyz[m, 0] + 2 - 4 * x, 8 * up_xyz[m, 1] + 2 - 4 * y
                            dz = 8 * up_xyz[m, 2] + 2 - 4 * z
                            count = _offer(row, dist, digits, count, up_position[m], dx, dy, dz)
            for i in range(count):
                near[t, i], place[t, i] = row[i], digits[i]


@njit(cache=True, nogil=True)
def _chain(position, counts, base, near, place):  # type: ignore[no-untyped-def]
    """Further points of a voxel: nearest are its previous points, then what its first point had."""
    t = base
    here = (MIDDLE * DIGIT + MIDDLE) * DIGIT + MIDDLE
    for v in range(counts.size):
        first = position[v]
        for k in range(1, counts[v]):
            n = 0
            if k > 1:
                # A quarter cell to one side and to the other: places that no voxel has.
                near[t, n], place[t, n] = t - 1, here + 1
                n += 1
            near[t, n], place[t, n] = first, here - 1
            n += 1
            for i in range(NEAR - n):
                near[t, n + i], place[t, n + i] = near[first, i], place[first, i]
            t += 1
