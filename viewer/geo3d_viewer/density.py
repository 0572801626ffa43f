"""How far apart the points of a cloud are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d_viewer.neighbours import kth_distances

_MOST_HASHED = 500_000


def thinned(points: NDArray[Any], most: int) -> NDArray[np.float64]:
    """At most `most` finite points, evenly spaced in file order, as float64."""
    step = max(1, -(-len(points) // most))
    sample = np.asarray(points[::step], dtype=np.float64)
    return sample[np.isfinite(sample).all(axis=1)]


def typical_spacing(points: NDArray[Any], sample: int = 20_000, neighbours: int = 8) -> float:
    """Side in metres of the patch of surface that one place stands for, 0 for fewer than two different places.

    From the median distance to the k-th neighbour (k places lie in a disc of that radius), measured among a part of
    the places and scaled back: on a surface the spacing grows with the square root of thinning.  Several points at
    one place count once (decoded clouds keep their duplicates).
    """
    p = thinned(points, _MOST_HASHED)
    every = -(-len(p) // sample)
    if every > 1:
        p = p[_place_hash(p) % np.uint64(every) == 0]
    p = np.unique(p, axis=0)
    k = min(neighbours, len(p) - 1)
    if k < 1:
        return 0.0
    distance = kth_distances(p, k + 1)
    # The share of the places that is left in p, if thinning by file order took points of different places.
    share = 1 / every * min(1.0, _MOST_HASHED / max(len(points), 1))
    return float(np.median(distance)) * float(np.sqrt(np.pi / k * share))


def _place_hash(points: NDArray[np.float64]) -> NDArray[np.uint64]:
    """[N] the same number for points at the same place, else as good as random (the mixer of splitmix64)."""
    h = np.zeros(len(points), dtype=np.uint64)
    for axis in range(3):
        # Adding zero makes -0.0 the same place as 0.0.
        h ^= np.ascontiguousarray(points[:, axis] + 0.0).view(np.uint64)
        h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        h ^= h >> np.uint64(31)
    return h
