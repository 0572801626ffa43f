"""Cuts voxel indices into cubes that are coded alone: octree nodes with a bounded number of points."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import Geo3DError
from geo3d.ops.morton import BITS, morton_encode

# About half a second of coding and 200 MB: enough tiles for all cores on big clouds, one tile for most scans.
TILE_POINTS = 1 << 20
# What a decoder accepts, so that it can bound its memory before it allocates.
MAX_TILE_POINTS = 1 << 22
MAX_TILES = 1 << 16


@dataclass(frozen=True, eq=False)
class Tile:
    """A cube of 2^depth voxels at `origin`; `order`: indices of the points in it, sorted along the Morton curve."""

    origin: tuple[int, int, int]
    depth: int
    order: NDArray[np.int64]


def split(indices: NDArray[np.int64], limit: int = TILE_POINTS) -> Iterator[Tile]:
    """Tiles of at most `limit` points, in Morton order within each block of 2^21 voxels.

    A voxel that holds more than `limit` points makes several tiles at the same place.
    """
    low = indices.min(axis=0)
    # Python integers: the span of int64 values may not fit one.
    span = max(int(b) - int(a) for a, b in zip(low, indices.max(axis=0), strict=True))
    if span.bit_length() > 62:
        raise Geo3DError("the coordinates span more than 2^62 cells; choose a coarser --grid")
    if span < 1 << BITS:
        yield from split_cube(indices, low, span.bit_length(), limit)
        return
    blocks, inverse = np.unique((indices - low) >> BITS, axis=0, return_inverse=True)
    if len(blocks) > MAX_TILES:
        raise Geo3DError(
            f"the coordinates span 2^{span.bit_length()} cells and fall into {len(blocks)} blocks of 2^21, at most "
            f"{MAX_TILES} are possible; choose a coarser --grid"
        )
    by_block = np.argsort(inverse.reshape(-1), kind="stable")
    starts = np.searchsorted(inverse.reshape(-1)[by_block], np.arange(len(blocks) + 1))
    for k, block in enumerate(blocks):
        members = by_block[starts[k] : starts[k + 1]]
        yield from _split_block(indices, low + (block << BITS), members, BITS, limit)


def split_cube(
    indices: NDArray[np.int64], origin: NDArray[np.int64], depth: int, limit: int = TILE_POINTS
) -> Iterator[Tile]:
    """Tiles of points that lie in a cube of 2^depth cells at `origin`, depth at most 21."""
    yield from _split_block(indices, origin, np.arange(len(indices)), depth, limit)


def _split_block(
    indices: NDArray[np.int64], origin: NDArray[np.int64], members: NDArray[np.int64], depth: int, limit: int
) -> Iterator[Tile]:
    codes = morton_encode(indices[members] - origin)
    by_code = np.argsort(codes, kind="stable")
    codes, order = codes[by_code], members[by_code]
    # Depth-first over octree nodes that hold too many points; `at` is the node's first code.
    stack = [(0, depth)]
    while stack:
        at, d = stack.pop()
        # The last code of the node and not the one after it, which can be 2^63.
        a, b = np.searchsorted(codes, at), np.searchsorted(codes, at + (1 << 3 * d) - 1, side="right")
        if a == b:
            continue
        if b - a > limit and d > 0:
            stack += [(at + (k << 3 * (d - 1)), d - 1) for k in range(7, -1, -1)]
            continue
        for start in range(a, b, limit):
            members = order[start : min(start + limit, b)]
            yield _tile(indices[members], members, origin, d)


def _tile(points: NDArray[np.int64], order: NDArray[np.int64], origin: NDArray[np.int64], depth: int) -> Tile:
    corner = origin + ((points.min(axis=0) - origin) >> depth << depth)
    x, y, z = (int(v) for v in corner)
    return Tile((x, y, z), depth, order)
