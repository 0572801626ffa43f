# mypy: allow-untyped-defs, no-check-untyped-defs
"""Values at the corners of a regular grid, kept only where they are needed, and found without a search.

Corners lie in blocks of 8 x 8 x 8; a dense table over the bounding box says where each block's own table is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d.errors import ShapeError

_SHIFT = 3
_SIDE = 1 << _SHIFT
_MOST_BLOCKS = 1 << 28


@dataclass(frozen=True, eq=False)
class SparseGrid:
    """Corners of a grid, numbered by row.

    coords  [V, 3] int32, unique
    origin  [3] position of the corner (0, 0, 0)
    cell    edge length in the unit of the positions
    """

    coords: NDArray[np.int32]
    origin: NDArray[np.float64]
    cell: float
    low: NDArray[np.int64]
    blocks: NDArray[np.int32]
    rows: NDArray[np.int32]

    @staticmethod
    def build(coords: NDArray[np.integer], origin: NDArray[np.float64], cell: float) -> SparseGrid:
        """Index unique corner coordinates [V, 3]; rows keep their order."""
        corners = np.ascontiguousarray(coords, np.int32)
        if not len(corners):
            raise ShapeError("a sparse grid needs at least one corner")
        low = (corners.min(axis=0) >> _SHIFT).astype(np.int64)
        shape = (corners.max(axis=0) >> _SHIFT).astype(np.int64) - low + 1
        if np.prod(shape.astype(np.float64)) > _MOST_BLOCKS:
            raise ShapeError(f"a sparse grid over {(shape * _SIDE).tolist()} cells is too wide; take larger cells")
        blocks = np.full(shape, -1, np.int32)
        at = (corners >> _SHIFT) - low
        used = np.unique(np.ravel_multi_index((at[:, 0], at[:, 1], at[:, 2]), tuple(shape)))
        blocks.reshape(-1)[used] = np.arange(len(used), dtype=np.int32)
        rows = np.full((len(used), _SIDE**3), -1, np.int32)
        rows[blocks[at[:, 0], at[:, 1], at[:, 2]], _inside(corners)] = np.arange(len(corners), dtype=np.int32)
        return SparseGrid(corners, np.asarray(origin, np.float64), float(cell), low, blocks, rows)

    def __len__(self) -> int:
        return len(self.coords)

    def lookup(self, positions: NDArray[np.floating]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """(rows [N, 8], trilinear weights [N, 8] float32); absent corners have row 0 and weight 0.

        Weights are scaled to sum to 1 where at least one corner is there.
        """
        scaled = np.ascontiguousarray((positions - self.origin) / self.cell, np.float32)
        return _lookup(scaled, self.low, self.blocks, self.rows)


def corners_of(cells: NDArray[np.integer]) -> NDArray[np.int64]:
    """[V, 3] unique corners of cells [N, 3] (each given by its lowest corner), sorted."""
    cells = unique_rows(cells)
    offsets = np.array([[i >> 2 & 1, i >> 1 & 1, i & 1] for i in range(8)])
    return unique_rows((cells[:, None] + offsets).reshape(-1, 3))


def unique_rows(coords: NDArray[np.integer]) -> NDArray[np.int64]:
    """[M, 3] distinct rows of integer coordinates within 2^21 of each other, sorted."""
    wide: NDArray[np.int64] = np.asarray(coords).astype(np.int64)
    if not len(wide):
        return wide.reshape(0, 3)
    low = wide.min(axis=0)
    c = wide - low
    keys = np.sort(c[:, 0] << 42 | c[:, 1] << 21 | c[:, 2])
    keys = keys[np.append(True, keys[1:] != keys[:-1])]
    return np.stack([keys >> 42, keys >> 21 & 0x1FFFFF, keys & 0x1FFFFF], axis=1) + low


def _inside(coords: NDArray[np.int32]) -> NDArray[np.int64]:
    c = (coords & (_SIDE - 1)).astype(np.int64)
    return c[:, 0] << 2 * _SHIFT | c[:, 1] << _SHIFT | c[:, 2]


@njit(cache=True, nogil=True)
def _lookup(positions, low, blocks, table):
    n = positions.shape[0]
    rows = np.zeros((n, 8), np.int32)
    weights = np.zeros((n, 8), np.float32)
    for i in range(n):
        x, y, z = positions[i, 0], positions[i, 1], positions[i, 2]
        if not (abs(x) < 1e8 and abs(y) < 1e8 and abs(z) < 1e8):
            continue
        ix, iy, iz = int(np.floor(x)), int(np.floor(y)), int(np.floor(z))
        fx, fy, fz = x - ix, y - iy, z - iz
        total = np.float32(0)
        for k in range(8):
            cx, cy, cz = ix + (k >> 2), iy + (k >> 1 & 1), iz + (k & 1)
            bx, by, bz = (cx >> _SHIFT) - low[0], (cy >> _SHIFT) - low[1], (cz >> _SHIFT) - low[2]
            if not (0 <= bx < blocks.shape[0] and 0 <= by < blocks.shape[1] and 0 <= bz < blocks.shape[2]):
                continue
            block = blocks[bx, by, bz]
            if block < 0:
                continue
            mask = _SIDE - 1
            row = table[block, (cx & mask) << 2 * _SHIFT | (cy & mask) << _SHIFT | (cz & mask)]
            if row < 0:
                continue
            w = (fx if k >> 2 else 1 - fx) * (fy if k >> 1 & 1 else 1 - fy) * (fz if k & 1 else 1 - fz)
            rows[i, k] = row
            weights[i, k] = w
            total += w
        if total > 0:
            for k in range(8):
                weights[i, k] /= total
    return rows, weights
