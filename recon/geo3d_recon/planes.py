"""The plane through each point's neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo3d.ops import knn

Floats = NDArray[np.float64]


def local_planes(points: Floats, neighbours: int) -> tuple[Floats, Floats, Floats]:
    """Centre [N, 3], unit normal [N, 3] (either sign) and RMS thickness [N] of each point's nearest, with itself."""
    return planes_of(points, knn(points, points, min(neighbours, len(points)))[1])


def planes_of(points: Floats, near: NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
    """The same of known neighbours near [N, K]."""
    center = points[near].mean(axis=1)
    around = points[near] - center[:, None]
    value, vector = np.linalg.eigh(np.einsum("nki,nkj->nij", around, around) / near.shape[1])
    return center, vector[:, :, 0], np.sqrt(value[:, 0].clip(0))
