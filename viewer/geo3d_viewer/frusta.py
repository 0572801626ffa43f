"""Camera paths as lines: the way the camera went and, at some of its poses, its viewing pyramid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo3d.types import PinholeCamera, Trajectory
from geo3d_viewer.palette import palette
from geo3d_viewer.scene import LineLayer

# Apex, then the image corners in order; 4:3 at a typical RGB-D sensor's field of view.
_DEFAULT_CORNERS = np.array([[-0.55, -0.41, 1], [0.55, -0.41, 1], [0.55, 0.41, 1], [-0.55, 0.41, 1]])
_EDGES = np.array([[0, 1], [0, 2], [0, 3], [0, 4], [1, 2], [2, 3], [3, 4], [4, 1]])


def trajectory_layers(
    trajectory: Trajectory,
    camera: PinholeCamera | None = None,
    *,
    prefix: str = "trajectory",
    size: float | None = None,
    most_frusta: int = 25,
) -> tuple[LineLayer, ...]:
    """Layers `prefix/path` and `prefix/cameras`, coloured from first (dark) to last (bright).

    size  depth of the drawn pyramids in metres; None: a twentieth of the path's extent, 3 to 15 cm
    """
    n = len(trajectory)
    if not n:
        return ()
    p = trajectory.positions
    ages = palette(np.linspace(0.15, 0.95, n))
    path = LineLayer(f"{prefix}/path", np.stack([p[:-1], p[1:]], axis=1), ages[1:], width=2.0)
    if size is None:
        size = float(np.clip(np.ptp(p, axis=0).max() / 20, 0.03, 0.15))
    shown = np.unique(np.linspace(0, n - 1, min(n, most_frusta)).round().astype(int))
    segments = np.concatenate([_frustum(trajectory.T_world_camera[i], camera, size) for i in shown])
    return path, LineLayer(f"{prefix}/cameras", segments, np.repeat(ages[shown], len(_EDGES), axis=0), width=1.2)


def _frustum(T_world_camera: NDArray[np.float64], camera: PinholeCamera | None, size: float) -> NDArray[np.float64]:
    corners = _DEFAULT_CORNERS
    if camera is not None:
        u = np.array([0, camera.width, camera.width, 0]) - 0.5
        v = np.array([0, 0, camera.height, camera.height]) - 0.5
        corners = np.stack([(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, np.ones(4)], axis=1)
    points = np.concatenate([np.zeros((1, 3)), corners * size])
    return (points @ T_world_camera[:3, :3].T + T_world_camera[:3, 3])[_EDGES]
