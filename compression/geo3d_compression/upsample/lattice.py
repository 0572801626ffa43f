# mypy: allow-untyped-defs, no-check-untyped-defs
"""Cells of a coarse lattice and the voxels that they hold, for any ratio of their edges in sixteenths.

A cell is `scale` / 16 voxels long.  Voxel x has its centre at 16 x + 8 sixteenths and lies in cell (16 x + 8) // scale.
Everything is integer, so that encoder and decoder name the same voxels.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

UNIT = 16
MAX_SCALE = 10 * UNIT
# Places of a voxel's centre along an edge of its cell, as the network tells them apart.
PHASES = 16


def coarsen(voxels: NDArray[np.int64], scale: int) -> NDArray[np.int64]:
    """Cells [N, 3] of voxels [N, 3] (not made unique)."""
    return (UNIT * voxels + UNIT // 2) // scale


def coarse_depth(depth: int, scale: int) -> int:
    """Octree depth of the cells of a cube of 2^depth voxels; at least 1, since the network looks at parents."""
    last = (UNIT * ((1 << depth) - 1) + UNIT // 2) // scale
    return max(1, last.bit_length())


def widest(scale: int) -> int:
    """The most voxels that a cell has along an edge."""
    return -(-scale // UNIT)


class Ranges(NamedTuple):
    """For each cell the first voxel and the one behind the last, an axis, and where its voxels begin among all.

    A cell's voxels are counted by x, then y, then z.
    """

    first: NDArray[np.int32]  # [n, 3]
    last: NDArray[np.int32]  # [n, 3]
    starts: NDArray[np.int64]  # [n + 1]


def ranges(cells: NDArray[np.int64], scale: int, depth: int) -> Ranges:
    """The voxels of cells [n, 3] that lie inside a cube of 2^depth."""
    first = np.minimum(-((UNIT // 2 - scale * cells) // UNIT), 1 << depth)
    last = np.minimum(-((UNIT // 2 - scale * (cells + 1)) // UNIT), 1 << depth)
    starts = np.concatenate([[0], np.cumsum((last - first).prod(axis=1))])
    return Ranges(first.astype(np.int32), last.astype(np.int32), starts)


def phases(cells: NDArray[np.int64], of: Ranges, scale: int) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """The cell of each voxel [m] and its place in it [m, 3], of cells [k, 3] whose own ranges `of` are."""
    count = int(of.starts[-1] - of.starts[0])
    owner, result = np.zeros(count, np.int32), np.zeros((count, 3), np.uint8)
    _phases(cells, of.first, of.last, scale, owner, result)
    return owner, result


@njit(cache=True, nogil=True)
def _phases(cells, first, last, scale, owner, out):
    m = 0
    for i in range(len(cells)):
        for x in range(first[i, 0], last[i, 0]):
            a = (UNIT * x + UNIT // 2 - scale * cells[i, 0]) * PHASES // scale
            for y in range(first[i, 1], last[i, 1]):
                b = (UNIT * y + UNIT // 2 - scale * cells[i, 1]) * PHASES // scale
                for z in range(first[i, 2], last[i, 2]):
                    owner[m] = i
                    out[m, 0], out[m, 1] = a, b
                    out[m, 2] = (UNIT * z + UNIT // 2 - scale * cells[i, 2]) * PHASES // scale
                    m += 1


@njit(cache=True, nogil=True)
def voxels_at(first, last, starts, chosen, count):
    """The voxels [count, 3] whose place among all is marked in `chosen`."""
    out = np.zeros((count, 3), np.int64)
    m = 0
    for i in range(len(first)):
        sy, sz = last[i, 1] - first[i, 1], last[i, 2] - first[i, 2]
        for k in range(starts[i], starts[i + 1]):
            if chosen[k]:
                j = k - starts[i]
                out[m, 0] = first[i, 0] + j // (sy * sz)
                out[m, 1] = first[i, 1] + j // sz % sy
                out[m, 2] = first[i, 2] + j % sz
                m += 1
    return out
