"""Fast point feature histograms (Rusu et al. 2009) at several radii, with colour statistics where there is colour."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree


def fpfh(cloud: Any, radius: float, max_neighbours: int = 100) -> NDArray[np.float32]:
    """[N, 33] square-root-normalised histograms of an Open3D cloud with normals; Euclidean distance is Hellinger's."""
    import open3d as o3d

    registration: Any = o3d.pipelines.registration
    feature = registration.compute_fpfh_feature(
        cloud, o3d.geometry.KDTreeSearchParamHybrid(radius=radius, max_nn=max_neighbours)
    )
    histogram = np.asarray(feature.data).T
    return np.sqrt(np.maximum(histogram, 0) / 300).astype(np.float32)


def color_statistics(
    points: NDArray[np.float64], colors: NDArray[np.float64], radii: tuple[float, ...], tree: cKDTree | None = None
) -> NDArray[np.float32]:
    """[N, 6 R] mean and deviation of opponent colours (brightness, red-green, blue-yellow) in each radius.

    colors  [N, 3] RGB 0-1
    """
    opponent = colors @ np.array([[0.33, 0.5, 0.25], [0.33, -0.5, 0.25], [0.34, 0.0, -0.5]])
    opponent[:, 1:] *= 2
    tree = tree or cKDTree(points)
    parts = []
    for radius in radii:
        graph = tree.sparse_distance_matrix(tree, radius, output_type="coo_matrix").tocsr()
        graph.data[:] = 1
        graph.setdiag(1)
        count = np.maximum(np.asarray(graph.sum(axis=1)), 1)
        mean = (graph @ opponent) / count
        deviation = np.sqrt(np.maximum((graph @ opponent**2) / count - mean**2, 0))
        parts += [mean, deviation]
    return np.concatenate(parts, axis=1).astype(np.float32)
