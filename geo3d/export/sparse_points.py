"""Few points of a scan, spread evenly, for tools that start from a sparse cloud."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.ops import depth_to_cloud
from geo3d.types import PointCloud, RGBDFrame


def frame_points(frame: RGBDFrame, limit: int) -> PointCloud:
    """At most about `limit` measured points of a posed frame in the world, every n-th pixel both ways."""
    pixels = frame.camera.width * frame.camera.height
    return depth_to_cloud(frame, world=True, stride=max(1, int(np.ceil(np.sqrt(pixels / max(limit, 1))))))


def thin(cloud: PointCloud, limit: int) -> PointCloud:
    """One point a cell, in cells just large enough that at most `limit` points are left; no chance is involved."""
    cloud, _ = cloud.finite()
    if len(cloud) <= limit:
        return cloud
    low, high = cloud.bounds.astype(np.float64)
    cell = max(float((high - low).max()), 1e-9) / 2048
    while True:
        kept = _first_in_cell(cloud, low, cell)
        if len(kept) <= limit:
            return cloud[kept]
        cell *= max(1.1, np.sqrt(len(kept) / limit))


def _first_in_cell(cloud: PointCloud, low: NDArray[Any], cell: float) -> NDArray[np.int64]:
    cells = np.floor((cloud.points - low) / cell).astype(np.int64)
    keys = (cells[:, 0] << 42) | (cells[:, 1] << 21) | cells[:, 2]
    return np.sort(np.unique(keys, return_index=True)[1])
