"""The levels of an octree over integer coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import ShapeError
from geo3d.ops._arrays import to_numpy
from geo3d.ops.morton import BITS


@dataclass(frozen=True, eq=False)
class OctreeLevel:
    """The occupied nodes of one level.

    codes      [M] int64 Morton codes of the nodes, ascending, at this level's resolution
    occupancy  [M] uint8; bit i is set if child 8·code + i is occupied
    """

    codes: NDArray[np.int64]
    occupancy: NDArray[np.uint8]


def octree_levels(codes: NDArray[np.int64], depth: int) -> list[OctreeLevel]:
    """Levels 0 (the root) to depth − 1 above the leaves `codes`.

    codes  [N] int64 Morton codes of the leaves (any order; duplicates count once), numpy or a tensor
    depth  bits an axis; the codes lie below 8^depth
    """
    if not 1 <= depth <= BITS:
        raise ShapeError(f"an octree has 1 to {BITS} levels, got {depth}")
    children = np.unique(to_numpy(codes).astype(np.int64))
    if len(children) and (children[0] < 0 or children[-1] >> 3 * depth):
        raise ShapeError(f"Morton codes {children[0]} to {children[-1]} do not fit an octree of {depth} levels")
    levels = []
    for _ in range(depth):
        parents, start = np.unique(children >> 3, return_index=True)
        bits = np.left_shift(1, children & 7)
        # Children of a parent are distinct, so their bits add without carry.
        occupancy = np.add.reduceat(bits, start) if len(parents) else bits
        levels.append(OctreeLevel(parents, occupancy.astype(np.uint8)))
        children = parents
    return levels[::-1]


def octree_children(level: OctreeLevel) -> NDArray[np.int64]:
    """[K] the codes of the occupied children of a level, ascending: the next level's nodes."""
    bits = np.unpackbits(level.occupancy[:, None], axis=1, bitorder="little").astype(bool)
    return (level.codes[:, None] * 8 + np.arange(8))[bits]
