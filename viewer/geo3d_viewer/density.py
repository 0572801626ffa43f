"""How far apart the points of a cloud are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def thinned(points: NDArray[Any], most: int) -> NDArray[np.float64]:
    """At most `most` finite points, evenly spaced in file order, as float64."""
    step = max(1, -(-len(points) // most))
    sample = np.asarray(points[::step], dtype=np.float64)
    return sample[np.isfinite(sample).all(axis=1)]


def typical_spacing(points: NDArray[Any], sample: int = 20_000, neighbours: int = 8) -> float:
    """Side in metres of the patch of surface that one point stands for, 0 for fewer than two different points.

    From the median distance to the k-th neighbour (k points lie in a disc of that radius), measured in a thinned
    cloud and scaled back: on a surface the spacing grows with the square root of thinning.
    """
    from scipy.spatial import cKDTree

    p = thinned(points, sample)
    k = min(neighbours, len(p) - 1)
    if k < 1:
        return 0.0
    distance = cKDTree(p).query(p, k=[k + 1])[0][:, 0]
    distance = distance[distance > 0]
    if not len(distance):
        return 0.0
    return float(np.median(distance)) * float(np.sqrt(np.pi / k * len(p) / len(points)))
