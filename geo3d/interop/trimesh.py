"""To and from trimesh."""

from __future__ import annotations

from typing import Any

import numpy as np

from geo3d.errors import ShapeError
from geo3d.types import PointCloud, TriangleMesh


def to_trimesh(geometry: PointCloud | TriangleMesh) -> Any:
    """Return a `trimesh.PointCloud` (points and colours) or a `trimesh.Trimesh`."""
    import trimesh

    if isinstance(geometry, TriangleMesh):
        return geometry.to_trimesh()
    return trimesh.PointCloud(geometry.points.astype(np.float64), colors=geometry.colors)


def from_trimesh(geometry: Any) -> PointCloud | TriangleMesh:
    """Return the cloud or mesh of a trimesh object; a scene with one geometry counts as that geometry."""
    import trimesh

    if isinstance(geometry, trimesh.Scene) and len(geometry.geometry) == 1:
        geometry = next(iter(geometry.geometry.values()))
    if isinstance(geometry, trimesh.Trimesh):
        return TriangleMesh.from_trimesh(geometry)
    if isinstance(geometry, trimesh.PointCloud):
        colors = np.asarray(geometry.colors)
        own = colors.shape == (len(geometry.vertices), 4)
        return PointCloud(np.array(geometry.vertices), np.array(colors[:, :3], dtype=np.uint8) if own else None)
    raise ShapeError(f"a trimesh Trimesh or PointCloud is needed, got {type(geometry).__name__}; take one of its parts")
