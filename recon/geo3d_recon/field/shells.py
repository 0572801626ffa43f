"""What lies beyond the surface: concentric spheres around the cameras, on which rays that hit nothing take samples.

A point of a sphere is a direction, and a direction is a place in a square (octahedral map, Engelhardt & Dachsbacher
2008), so that the samples of all spheres lie in one sparse grid with the sphere's number as its third coordinate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
# Radii as multiples of the first.
SPREAD = (1.0, 1.7, 3.5, 12.0)


@dataclass(frozen=True, eq=False)
class Shells:
    """center [3] and radius of the first sphere, metres; side: cells across the octahedral square."""

    center: NDArray[np.float64]
    radius: float
    side: int

    def places(self, origins: Array, directions: Array) -> NDArray[np.float32]:
        """[N, len(SPREAD), 3] coordinates in the sparse grid where rays [N, 3] leave each sphere, from near to far."""
        d = directions / np.linalg.norm(directions, axis=1, keepdims=True)
        o = origins - self.center
        along = (o * d).sum(axis=1)
        inside = (o * o).sum(axis=1)
        result = np.zeros((len(d), len(SPREAD), 3), np.float32)
        for k, factor in enumerate(SPREAD):
            # A camera outside a sphere looks past it, or sees its far side.
            root = np.sqrt(np.maximum(along**2 - inside + (factor * self.radius) ** 2, 0))
            at = o + d * (root - along)[:, None]
            result[:, k, :2] = octahedral(at) * self.side
            result[:, k, 2] = k
        return result


def octahedral(v: Array) -> NDArray[np.float64]:
    """[N, 2] in 0 ... 1 of vectors [N, 3] that are not zero."""
    n = v / np.maximum(np.abs(v).sum(axis=1, keepdims=True), 1e-12)
    folded = (1 - np.abs(n[:, 1::-1])) * np.where(n[:, :2] >= 0, 1.0, -1.0)
    return np.asarray(np.where(n[:, 2:] >= 0, n[:, :2], folded) * 0.5 + 0.5)
