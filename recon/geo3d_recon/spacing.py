"""How far apart samples are: the unit in which the reconstructors think."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_NEIGHBOURS = 6


def spacing_at(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """[N] side of the square that each sample has to itself: √(π r² / k), r the distance to the k-th neighbour."""
    from scipy.spatial import cKDTree

    k = min(_NEIGHBOURS, len(points) - 1)
    distance, _ = cKDTree(points).query(points, k=k + 1, workers=-1)
    return distance[:, -1] * np.sqrt(np.pi / k)


def spacing(points: NDArray[np.float64]) -> float:
    """The median of `spacing_at`: about √(area / N) for an even sampling."""
    return float(np.median(spacing_at(points)))
