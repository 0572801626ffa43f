"""From whatever the caller has to clean samples in a unit box."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import ReconstructionError
from geo3d.ops import voxelize
from geo3d.types import PointCloud, TriangleMesh, as_points

MINIMUM = 20
_FLAT = 1e-5  # thickness over length below which points count as coplanar


@dataclass(frozen=True, eq=False)
class Samples:
    """Distinct finite points, moved and scaled so that the longest box side is 1 about the origin.

    points   [N, 3] float64
    colors   [N, 3] uint8 or None
    normals  [N, 3] float64 unit, as the caller gave them, or None
    dropped  points left out because they were not finite
    center, scale   input = points · scale + center
    """

    points: NDArray[np.float64]
    colors: NDArray[np.uint8] | None
    normals: NDArray[np.float64] | None
    dropped: int
    center: NDArray[np.float64]
    scale: float

    @staticmethod
    def of(source: Any) -> Samples:
        """Clean a cloud, array, tensor or Open3D cloud; `ReconstructionError` says why it cannot be meshed."""
        cloud = source if isinstance(source, PointCloud) else _as_cloud(source)
        cloud, dropped = cloud.finite()
        if not len(cloud):
            what = f"all {dropped} points are NaN or infinite" if dropped else "the cloud is empty"
            raise ReconstructionError(f"no surface can be made: {what}")
        _, first = np.unique(cloud.points, axis=0, return_index=True)
        cloud = cloud[np.sort(first)]
        if len(cloud) < MINIMUM:
            raise ReconstructionError(
                f"no surface can be made from {len(cloud)} distinct points; at least {MINIMUM} are needed"
            )
        p = cloud.points.astype(np.float64)
        low, high = p.min(axis=0), p.max(axis=0)
        center, scale = (low + high) / 2, float((high - low).max())
        p = (p - center) / scale
        spread = np.linalg.svd(p - p.mean(axis=0), compute_uv=False, full_matrices=False)
        if spread[2] < _FLAT * spread[0]:
            shape = "in one line" if spread[1] < _FLAT * spread[0] else "in one plane"
            raise ReconstructionError(f"no surface can be made: all {len(cloud)} points lie {shape}")
        normals = None if cloud.normals is None else cloud.normals.astype(np.float64)
        if normals is not None:
            length = np.linalg.norm(normals, axis=1, keepdims=True)
            normals = normals / length if (length > 1e-6).all() and np.isfinite(length).all() else None
        return Samples(p, cloud.colors, normals, dropped, center, scale)

    def averaged(self, most: int) -> Samples:
        """At most so many points: those of one cell of a grid become their mean."""
        n = len(self.points)
        if n <= most:
            return self
        cell = 1.0 / np.sqrt(most)
        while True:
            grid = voxelize(self.points, cell)
            if len(grid.counts) <= most:
                break
            cell *= max(1.02, float(np.sqrt(len(grid.counts) / most)))

        def mean(values: NDArray[np.generic]) -> NDArray[np.float64]:
            return np.stack([np.bincount(grid.inverse, c) / grid.counts for c in values.T], axis=-1)

        normals = None if self.normals is None else mean(self.normals)
        if normals is not None:
            normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        colors = None if self.colors is None else np.rint(mean(self.colors)).astype(np.uint8)
        return replace(self, points=mean(self.points), colors=colors, normals=normals)

    def to_input(self, mesh: TriangleMesh) -> TriangleMesh:
        """The mesh in the caller's unit and frame."""
        return replace(mesh, vertices=mesh.vertices * self.scale + self.center)


def _as_cloud(source: Any) -> PointCloud:
    if hasattr(source, "has_colors"):
        return PointCloud.from_open3d(source)
    return PointCloud(as_points(source, finite=False))
