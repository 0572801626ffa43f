"""Who neighbours whom among the cells of a coarse cloud and among their parents."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo3d_compression.octree.levels import Level, child_level, occupancy_of, root_level


class Structure(NamedTuple):
    """Cells of a cloud in Morton order and the level above them (see `octree.levels`)."""

    parents: Level
    occupancy: NDArray[np.uint8]  # [p + 1], the parents' children
    cells: Level


def structure(codes: NDArray[np.int64], depth: int) -> Structure:
    """Both levels, from sorted unique Morton codes of cells in a cube of 2^depth, depth at least 1."""
    level = root_level()
    parents, occupancy = level, np.zeros(2, np.uint8)
    for occupancy in occupancy_of(codes, depth):
        parents, level = level, child_level(level, occupancy)
    return Structure(parents, occupancy, level)
