"""Golden voxels: `python tests/compression/upsample/golden.py` prints them anew after a change of the weights."""

from __future__ import annotations

import numpy as np
import xxhash
from geo3d_compression.octree.morton import morton_encode
from geo3d_compression.upsample.classes import density_class
from geo3d_compression.upsample.lattice import coarse_depth, coarsen
from geo3d_compression.upsample.surface import Surface
from numpy.typing import NDArray

SCALES = (17, 24, 32, 64, 101, 160)


def shape() -> NDArray[np.int64]:
    """A dented ball in integers alone: 32,000 voxels in a cube of 2^7."""
    x, y, z = np.meshgrid(*[np.arange(128)] * 3, indexing="ij")
    inside = (x - 60) ** 2 + (y - 63) ** 2 + (z - 66) ** 2 + (x * y + 3 * z) % 1024 < 3200
    shell = inside & ~np.roll(inside, 1, 0) | inside & ~np.roll(inside, -1, 1) | inside & ~np.roll(inside, 1, 2)
    return np.argwhere(shell)


def voxel_hash(scale: int, threads: int = 1) -> str:
    """xxh3-64 of the decoded Morton codes."""
    voxels = shape()
    cells = np.unique(morton_encode(coarsen(voxels, scale)))
    density = density_class(len(voxels), len(cells), scale)
    surface = Surface(cells, coarse_depth(7, scale), scale, density, 7, threads)
    return xxhash.xxh3_64(surface.voxels(max(len(cells), len(voxels))).astype("<i8").tobytes()).hexdigest()


if __name__ == "__main__":
    for s in SCALES:
        print(f'    {s}: "{voxel_hash(s)}",')
