"""Polygons become triangles, vertex indices are checked."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError


def triangulate(lengths: NDArray[Any], corners: NDArray[Any], vertex_count: int) -> NDArray[np.int32]:
    """[F, 3] triangles of polygons given as corner counts and all corners behind each other.

    A polygon becomes a fan about its first corner (right for convex ones); those with fewer than 3 corners have no area
    and are left out.  `FormatError` if a corner names a vertex that is not there.
    """
    if len(corners) and (corners.min() < 0 or corners.max() >= vertex_count):
        raise FormatError(f"faces name vertices {corners.min()} to {corners.max()}, but there are {vertex_count}")
    fans = np.maximum(np.asarray(lengths, np.int64) - 2, 0)
    starts = np.cumsum(lengths) - lengths
    first = np.repeat(starts, fans)
    step = np.arange(int(fans.sum())) - np.repeat(np.cumsum(fans) - fans, fans)
    return np.stack([corners[first], corners[first + step + 1], corners[first + step + 2]], axis=1).astype(np.int32)


def merge_equal_vertices(
    vertices: NDArray[np.float64], faces: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Join vertices with exactly the same coordinates, in the order in which they first appear."""
    _, first, inverse = np.unique(vertices, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.zeros(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return vertices[first[order]], rank[inverse.reshape(-1)][faces]
