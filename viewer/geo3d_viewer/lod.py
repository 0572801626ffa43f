"""Levels of detail: which points of a large cloud are worth drawing from here."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo3d.types import PointCloud
from geo3d_viewer.camera import ViewCamera

_CHUNK = 1 << 20


def points_in_view(
    points: NDArray[np.generic],  # [N, 3]
    camera: ViewCamera,
    aspect: float,
    budget: int,
) -> NDArray[np.int64] | slice:
    """Index of at most `budget` points that lie in the camera's view, evenly thinned in file order.

    Zooming in leaves fewer points in view, so that more of them are kept, down to every one.  Works in chunks: its
    memory is that of the answer.  A cloud within the budget is returned whole (a slice).
    """
    if len(points) <= budget:
        return slice(None)
    T = camera.T_world_camera
    slope = np.float32(1.02 / camera.focal(2))
    R = T[:3, :3].astype(np.float32)
    found = []
    for start in range(0, len(points), _CHUNK):
        p = (np.asarray(points[start : start + _CHUNK]) - T[:3, 3]).astype(np.float32) @ R
        reach = p[:, 2] * slope
        inside = (p[:, 2] > 0) & (np.abs(p[:, 1]) <= reach) & (np.abs(p[:, 0]) <= reach * np.float32(aspect))
        found.append(np.flatnonzero(inside).astype(np.int64) + start)
    index = np.concatenate(found)
    return index[:: max(1, -(-len(index) // budget))]


def thinned_cloud(cloud: PointCloud, budget: int) -> PointCloud:
    """At most `budget` points of the cloud, evenly in file order, with their attributes."""
    return cloud if len(cloud) <= budget else cloud[:: -(-len(cloud) // budget)]
