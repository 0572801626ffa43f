"""Fast point feature histograms (Rusu et al. 2009) at several radii, with colour statistics where there is colour."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo3d.registration import _neighbours

# From RGB 0-1: brightness, red-green, blue-yellow.
OPPONENT = np.array([[0.33, 1.0, 0.5], [0.33, -1.0, 0.5], [0.34, 0.0, -1.0]])


def fpfh(
    points: NDArray[np.float64], normals: NDArray[np.float64], radius: float, at: NDArray[np.int64] | None = None
) -> NDArray[np.float32]:
    """[K, 33] square-root-normalised histograms of points [N, 3] with normals; Euclidean distance is Hellinger's.

    Parameters
    ----------
    at : [K] indices of the points that are described, by all points around them; None: all.
    """
    points, normals = np.ascontiguousarray(points, np.float64), np.ascontiguousarray(normals, np.float64)
    at = np.arange(len(points)) if at is None else at
    if not len(points):
        return np.zeros((0, 33), np.float32)
    indptr, indices, squared = _neighbours.radius_graph(points, radius)
    simple = _neighbours.simple_histograms(points, normals, indptr, indices)
    histogram = _neighbours.weighted_histograms(simple, indptr, indices, squared, at)
    return np.sqrt(np.maximum(histogram, 0) / 300).astype(np.float32)


def color_statistics(
    points: NDArray[np.float64],
    colors: NDArray[np.float64],
    radii: tuple[float, ...],
    at: NDArray[np.int64] | None = None,
) -> NDArray[np.float32]:
    """[K, 6 R] mean and deviation of opponent colours (brightness, red-green, blue-yellow) in each radius.

    colors  [N, 3] RGB 0-1
    at      as in `fpfh`
    """
    points = np.ascontiguousarray(points, np.float64)
    at = np.arange(len(points)) if at is None else at
    if not len(points):
        return np.zeros((0, 6 * len(radii)), np.float32)
    opponent = np.ascontiguousarray(colors @ OPPONENT)
    parts = [_neighbours.local_moments(opponent, *_neighbours.radius_graph(points, radius)[:2], at) for radius in radii]
    return np.concatenate(parts, axis=1)
