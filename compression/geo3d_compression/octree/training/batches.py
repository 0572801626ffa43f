"""Blocks as levels of index arrays, several blocks side by side, under a random symmetry of the cube; numpy alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo3d_compression.octree.morton import morton_decode, morton_encode
from geo3d_compression.octree.training.blocks import Blocks, from_bytes

_BLOCK_SHIFT = 48

# Larger blocks would take too many of the steps' time.
_MAX_NODES = 40_000


class BatchLevel(NamedTuple):
    """One level of several blocks."""

    parent: NDArray[np.int64]  # [b]
    octant: NDArray[np.int64]  # [b]
    table: NDArray[np.int64]  # [b, 27]
    density: NDArray[np.int64]  # [b]
    occupancy: NDArray[np.int64]  # [b]
    weight: NDArray[np.float32]  # [b], 0 at the cut


def density_class(nodes: NDArray[np.int64], parents: NDArray[np.int64]) -> NDArray[np.int64]:
    """Class 0 .. 11 of the number of nodes a parent has, in quarter octaves.  Mirrors `octree.network`."""
    thresholds = np.round(256 * 2.0 ** (np.arange(1, 12) / 4)).astype(np.int64)
    return (nodes[..., None] * 256 >= thresholds * parents[..., None]).sum(-1)


def batches(
    blocks: Blocks, nodes: int, shares: tuple[float, ...], rng: np.random.Generator
) -> Iterator[list[BatchLevel]]:
    """Endless batches of at least `nodes` nodes in blocks of one depth; `shares` weighs the kinds."""
    sizes = np.diff(blocks.starts)
    weight = np.array(shares)[blocks.kinds] * (sizes <= _MAX_NODES)
    weight = weight / np.bincount(blocks.kinds, minlength=len(shares))[blocks.kinds] / weight.sum()
    weight /= weight.sum()
    while True:
        first = int(rng.choice(len(weight), p=weight))
        same = np.flatnonzero((blocks.depths == blocks.depths[first]) & (blocks.kinds == blocks.kinds[first]))
        chosen, total = [first], int(sizes[first])
        while total < nodes:
            chosen.append(int(rng.choice(same)))
            total += int(sizes[chosen[-1]])
        depth = int(blocks.depths[first])
        yield assemble(
            [
                _flip(from_bytes(blocks.data[blocks.starts[i] : blocks.starts[i + 1]], depth), depth, rng)
                for i in chosen
            ],
            depth,
        )


def _flip(voxels: NDArray[np.int64], depth: int, rng: np.random.Generator) -> NDArray[np.int64]:
    voxels = voxels[:, rng.permutation(3)]
    mirrored = rng.random(3) < 0.5
    return np.where(mirrored, (1 << depth) - 1 - voxels, voxels)


def assemble(clouds: list[NDArray[np.int64]], depth: int) -> list[BatchLevel]:
    """Levels 0 .. depth - 1 of the clouds side by side."""
    codes = np.sort(np.concatenate([morton_encode(v) | k << _BLOCK_SHIFT for k, v in enumerate(clouds)]))
    stack = [codes]
    for _ in range(depth):
        # The block number sits above the code, so it moves with it only if it is moved back up.
        block = stack[-1] >> _BLOCK_SHIFT
        stack.append(np.unique((stack[-1] & ((1 << _BLOCK_SHIFT) - 1)) >> 3 | block << _BLOCK_SHIFT))
    stack.reverse()
    levels = []
    for index in range(depth):
        here, below = stack[index], stack[index + 1]
        block = here >> _BLOCK_SHIFT
        local = here & ((1 << _BLOCK_SHIFT) - 1)
        above = stack[index - 1] if index else here
        parent = np.searchsorted(above, local >> 3 | block << _BLOCK_SHIFT) if index else np.arange(len(here))
        child_of = np.searchsorted(
            here, (below & ((1 << _BLOCK_SHIFT) - 1)) >> 3 | (below >> _BLOCK_SHIFT) << _BLOCK_SHIFT
        )
        occupancy = np.bincount(child_of, weights=1 << (below & 7), minlength=len(here)).astype(np.int64)
        counts = np.bincount(block, minlength=len(clouds))
        parents = np.bincount(above >> _BLOCK_SHIFT, minlength=len(clouds))
        coords = morton_decode(local)
        size = 1 << index
        inner = ((coords >= 2) & (coords < size - 2)).all(1) if size >= 8 else np.ones(len(here), bool)
        levels.append(
            BatchLevel(
                parent=parent,
                octant=local & 7 if index else np.zeros(len(here), np.int64),
                table=_table(here, coords, block, size),
                density=density_class(counts, parents)[block],
                occupancy=occupancy,
                weight=np.asarray(inner, np.float32),
            )
        )
    return levels


def _table(
    here: NDArray[np.int64], coords: NDArray[np.int64], block: NDArray[np.int64], size: int
) -> NDArray[np.int64]:
    n = len(here)
    table = np.full((n, 27), n, np.int64)
    for k in range(27):
        moved = coords + np.array([k // 9 - 1, k // 3 % 3 - 1, k % 3 - 1])
        inside = ((moved >= 0) & (moved < size)).all(1)
        code = morton_encode(np.where(inside[:, None], moved, 0)) | block << _BLOCK_SHIFT
        place = np.minimum(np.searchsorted(here, code), n - 1)
        table[:, k] = np.where(inside & (here[place] == code), place, n)
    return table
