"""The automatic camera: upright, everything in the picture, from a side that shows something."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import ShapeError
from geo3d_viewer.camera import ViewCamera, looking_along
from geo3d_viewer.density import thinned
from geo3d_viewer.scene import LineLayer, Scene, layer_points
from geo3d_viewer.upright import scene_up

_ELEVATION = np.radians(28.0)
_ROOM_ELEVATION = np.radians(55.0)
_AZIMUTHS = np.radians(np.arange(-45.0, 315.0, 45.0) + 10.0)


def visible_points(scene: Scene, most: int = 60_000) -> NDArray[np.float64]:
    """[M, 3] points that the camera should have in view: all shown layers, thinned, without far strays.

    Flying pixels and stray lidar returns can lie many times the scene's size away; they are left out of the frame,
    not out of the picture.
    """
    solid = [layer_points(la) for la in scene.visible_layers if not isinstance(la, LineLayer)]
    lines = [layer_points(la) for la in scene.visible_layers if isinstance(la, LineLayer)]
    p = without_strays(np.concatenate([np.zeros((0, 3)), *(thinned(x, most) for x in solid)]))
    p = np.concatenate([p, *(thinned(x, most) for x in lines)])
    if not len(p):
        raise ShapeError("there is nothing to look at: no visible layer holds a finite point")
    return p


def without_strays(points: NDArray[np.float64], share: float = 0.02, cells: int = 24) -> NDArray[np.float64]:
    """Points [M, 3] without those in the emptiest cells of a coarse grid, `share` of them at most.

    All stay if that would not shorten the extent by a sixth on some axis: then there were no strays.
    """
    if len(points) < 100:
        return points
    for _ in range(3):
        low, extent = points.min(axis=0), np.ptp(points, axis=0)
        cell = np.floor((points - low) / (extent.max() / cells or 1.0)).astype(np.int64)
        key = (cell[:, 0] * (cells + 1) + cell[:, 1]) * (cells + 1) + cell[:, 2]
        _, index, count = np.unique(key, return_inverse=True, return_counts=True)
        by_count = np.argsort(count, kind="stable")
        is_sparse = np.zeros(len(count), dtype=np.bool_)
        is_sparse[by_count] = np.cumsum(count[by_count]) <= share * len(points)
        kept = points[~is_sparse[index]]
        if not (np.ptp(kept, axis=0) < extent * (5 / 6)).any():
            break
        # With the farthest gone the cells are smaller, and the next may show.
        points = kept
    return points


def auto_camera(scene: Scene, size: tuple[int, int] = (960, 720)) -> tuple[ViewCamera, NDArray[np.float64]]:
    """Return a camera for a picture of this size, and the up direction [3] that it follows.

    It looks down by 28 degrees.  Where the scene says how its sensor looked, the camera looks that way, a little from
    the side.  Elsewhere it takes, of eight sides, the one that shows most; if much more is seen from above (a
    room, whose walls hide what is in it), it looks down by 55 degrees.
    """
    points = visible_points(scene)
    up = scene_up(scene)
    aspect = size[0] / size[1]
    if scene.forward is not None:
        level = np.asarray(scene.forward, dtype=np.float64)
        level = level - (level @ up) * up
        if np.linalg.norm(level) > 0.3:
            right = np.cross(level / np.linalg.norm(level), up)
            direction = _downward(level / np.linalg.norm(level) - 0.25 * right, up, _ELEVATION)
            return looking_along(points, direction, up, aspect), up
    few = thinned(points, 15_000)
    best, best_value = -up, -np.inf
    for elevation, weight in ((_ELEVATION, 1.0), (_ROOM_ELEVATION, 0.92)):
        for side in _sides(up):
            direction = _downward(side, up, elevation)
            value = weight * _view_value(few, looking_along(few, direction, up, aspect), aspect)
            if value > best_value:
                best, best_value = direction, value
    return looking_along(points, best, up, aspect), up


def _downward(level: NDArray[np.float64], up: NDArray[np.float64], elevation: float) -> NDArray[np.float64]:
    level = level / np.linalg.norm(level)
    return np.cos(elevation) * level - np.sin(elevation) * up


def _sides(up: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    across = np.eye(3)[np.argmin(np.abs(up))]
    x = np.cross(up, across)
    x /= np.linalg.norm(x)
    y = np.cross(up, x)
    return [np.cos(a) * x + np.sin(a) * y for a in _AZIMUTHS]


def _view_value(points: NDArray[np.float64], camera: ViewCamera, aspect: float, rows: int = 40) -> float:
    """The share of the points that nothing hides, plus the share of a coarse picture that they fill."""
    T = camera.T_world_camera
    p = (points - T[:3, 3]) @ T[:3, :3]
    p = p[p[:, 2] > 0]
    columns = round(rows * aspect)
    u = np.floor(p[:, 0] / p[:, 2] * camera.focal(rows) + columns / 2).astype(np.int64)
    v = np.floor(p[:, 1] / p[:, 2] * camera.focal(rows) + rows / 2).astype(np.int64)
    inside = (u >= 0) & (u < columns) & (v >= 0) & (v < rows)
    cell, z = v[inside] * columns + u[inside], p[inside, 2]
    if not len(z):
        return 0.0
    nearest = np.full(rows * columns, np.inf)
    np.minimum.at(nearest, cell, z)
    behind = 0.04 * float(np.linalg.norm(np.ptp(points, axis=0)))
    seen = float((z < nearest[cell] + behind).sum()) / len(points)
    return seen + float(np.isfinite(nearest).mean())
