"""The cube in which whole shapes are imagined, its grid of distances, and the patches that the network sees."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SIDE = 30  # grid points along an edge, at cell centres
PATCH = 5
PATCHES = SIDE // PATCH
SPAN = 1.7  # edge of the cube, in longest sides of the seen points' box, about whose middle it lies
CELL = SPAN / SIDE
NEAR, FAR = 0.2, 0.35  # where signed distances of shapes, and unsigned ones of points, are cut off

_A = TypeVar("_A", bound=np.generic)


def cell_centers() -> Floats:
    """[SIDE³, 3] grid points about the origin, z fastest."""
    axis = (np.arange(SIDE) + 0.5) * CELL - SPAN / 2
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)


def distance_to(points: Floats) -> Floats:
    """[SIDE, SIDE, SIDE] distance to the nearest point, 0 to 1 at `FAR` and beyond."""
    from scipy.spatial import cKDTree

    distance, _ = cKDTree(points).query(cell_centers(), distance_upper_bound=FAR)
    return np.asarray(np.minimum(distance / FAR, 1).reshape(SIDE, SIDE, SIDE))


def to_patches(grids: NDArray[_A]) -> NDArray[_A]:
    """[..., SIDE, SIDE, SIDE] -> [..., PATCHES³, PATCH³]."""
    lead = grids.shape[:-3]
    split = grids.reshape(*lead, PATCHES, PATCH, PATCHES, PATCH, PATCHES, PATCH)
    n = len(lead)
    order = [*range(n), n, n + 2, n + 4, n + 1, n + 3, n + 5]
    return split.transpose(order).reshape(*lead, PATCHES**3, PATCH**3)


def from_patches(patches: NDArray[_A]) -> NDArray[_A]:
    """The inverse of `to_patches`."""
    lead = patches.shape[:-2]
    n = len(lead)
    split = patches.reshape(*lead, PATCHES, PATCHES, PATCHES, PATCH, PATCH, PATCH)
    order = [*range(n), n, n + 3, n + 1, n + 4, n + 2, n + 5]
    return split.transpose(order).reshape(*lead, SIDE, SIDE, SIDE)
