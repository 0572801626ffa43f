"""Colours of the samples carried over to mesh vertices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from geo3d.ops import knn
from geo3d.types import TriangleMesh


def carry_colors(
    mesh: TriangleMesh, points: NDArray[np.float64], colors: NDArray[np.uint8] | None, k: int = 4
) -> TriangleMesh:
    """Give each vertex the mean colour of its k nearest samples, weighted by 1 / squared distance."""
    if colors is None or not len(mesh.vertices):
        return mesh
    distance, index = knn(points, mesh.vertices, min(k, len(points)))
    weight = 1 / (distance**2 + 1e-12)
    weight /= weight.sum(axis=1, keepdims=True)
    mean = (colors[index] * weight[..., None]).sum(axis=1)
    return replace(mesh, vertex_colors=np.rint(mean).clip(0, 255).astype(np.uint8))
