"""Training samples: a window of a block on a lattice of random scale and phase, and which voxels are occupied."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo3d_compression.octree.morton import morton_decode, morton_encode
from geo3d_compression.octree.training.blocks import Blocks, from_bytes
from geo3d_compression.upsample.classes import density_class, scale_class
from geo3d_compression.upsample.lattice import UNIT, coarsen, phases, ranges, voxels_at
from geo3d_compression.upsample.structure import structure

# Scales are drawn log-uniform between these.
_LEAST, _GREATEST = 1.15, 9.5
# Cells this near to the window's border see too little around them to learn from.
_MARGIN = 3


class Sample(NamedTuple):
    """Inputs of `UpsampleNetwork.forward`, and the answers."""

    parent_table: NDArray[np.int64]  # [p, 27]
    occupancy: NDArray[np.int64]  # [p]
    table: NDArray[np.int64]  # [b, 27]
    parent: NDArray[np.int64]  # [b]
    octant: NDArray[np.int64]  # [b]
    scale: int
    density: int
    owner: NDArray[np.int64]  # [m]
    phases: NDArray[np.int64]  # [m, 3]
    occupied: NDArray[np.float32]  # [m]


def samples(
    blocks: Blocks, shares: tuple[float, ...], window: int, most: int, rng: np.random.Generator
) -> Iterator[Sample]:
    """Endless samples of windows of `window` cells a side, with at most about `most` voxels to judge."""
    weight = np.array(shares)[blocks.kinds] / np.bincount(blocks.kinds, minlength=len(shares))[blocks.kinds]
    weight /= weight.sum()
    while True:
        i = int(rng.choice(len(weight), p=weight))
        depth = int(blocks.depths[i])
        voxels = from_bytes(blocks.data[blocks.starts[i] : blocks.starts[i + 1]], depth)
        # One decoding serves several draws: it takes as long as a step.
        for _ in range(4):
            sample = draw(voxels, window, most, rng)
            if sample is not None:
                yield sample


def draw(voxels: NDArray[np.int64], window: int, most: int, rng: np.random.Generator) -> Sample | None:
    """One window of a cloud under a random symmetry of the cube; None where too little lies in it."""
    scale = round(UNIT * float(np.exp(rng.uniform(np.log(_LEAST), np.log(_GREATEST)))))
    if rng.random() < 0.15:
        scale = UNIT * int(rng.choice([2, 4, 8]))
    side = window * scale // UNIT
    corner = voxels[rng.integers(len(voxels))] - rng.integers(side // 4, side - side // 4, 3)
    v = voxels[((voxels >= corner) & (voxels < corner + side)).all(1)] - corner
    v = v[:, rng.permutation(3)]
    v = np.where(rng.random(3) < 0.5, side - 1 - v, v) + rng.integers(0, UNIT, 3)
    if len(v) < 500:
        return None
    codes = np.unique(morton_encode(coarsen(v, scale)))
    cells = morton_decode(codes)
    if len(cells) > 3 * window * window:
        return None
    levels = structure(codes, int(cells.max()).bit_length() or 1)
    low, high = cells.min(0) + _MARGIN, cells.max(0) - _MARGIN
    inner = np.flatnonzero(((cells >= low) & (cells <= high)).all(1))
    per_cell = (scale / UNIT) ** 3
    chosen = np.sort(rng.permutation(inner)[: max(1, int(most / per_cell))])
    if len(chosen) < 20:
        return None
    of = ranges(cells[chosen], scale, 20)
    owner, place = phases(cells[chosen], of, scale)
    truth = np.sort(morton_encode(v))
    asked = morton_encode(voxels_at(*of, np.ones(len(owner), np.bool_), len(owner)))
    at = np.minimum(np.searchsorted(truth, asked), len(truth) - 1)
    return Sample(
        levels.parents.neighbours[:-1].astype(np.int64),
        levels.occupancy[:-1].astype(np.int64),
        levels.cells.neighbours[:-1].astype(np.int64),
        levels.cells.parent[:-1].astype(np.int64),
        levels.cells.octant[:-1].astype(np.int64),
        scale_class(scale),
        density_class(len(truth), len(cells), scale),
        chosen[owner].astype(np.int64),
        place.astype(np.int64),
        (truth[at] == asked).astype(np.float32),
    )
