"""What the network is told of a whole cloud: the ratio of the lattices, and how densely voxels fill its surface."""

from __future__ import annotations

from geo3d_compression.upsample.lattice import UNIT

SCALE_CLASSES = 14
DENSITY_CLASSES = 10

# round(16 * 2^(k / 4)): cell edges, in sixteenths of a voxel, at which the class steps up.
_SCALES = (19, 23, 27, 32, 38, 45, 54, 64, 76, 91, 108, 128, 152)
# Voxels a cell, over the square of its edge, times 256; half octaves from 1/8.
_DENSITIES = (32, 45, 64, 91, 128, 181, 256, 362, 512)


def scale_class(scale: int) -> int:
    """Class 0 ... 13 of a scale in sixteenths, in quarter octaves."""
    return sum(scale >= s for s in _SCALES)


def density_class(voxels: int, cells: int, scale: int) -> int:
    """Class 0 ... 9 of the number of voxels for the area that their cells span."""
    return sum(256 * UNIT * UNIT * voxels >= d * cells * scale * scale for d in _DENSITIES)
