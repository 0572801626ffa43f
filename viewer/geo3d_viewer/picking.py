"""Which point of the scene lies under a pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo3d_viewer.camera import ViewCamera
from geo3d_viewer.raster import render
from geo3d_viewer.scene import LineLayer, Scene

_REACH = 3


def point_at(
    scene: Scene, camera: ViewCamera, size: tuple[int, int], pixel: tuple[int, int], up: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """[3] world coordinates of the surface that a picture of this size shows at `pixel` (column, row).

    Takes the nearest surface within three pixels; None where there is nothing.  Lines cannot be picked.
    """
    hidden = [layer.name for layer in scene.layers if isinstance(layer, LineLayer)]
    for name in hidden:
        scene = scene.with_visible(name, False)
    depth = render(scene, camera, size, up=up, supersample=1).depth
    column, row = pixel
    top, left = max(0, row - _REACH), max(0, column - _REACH)
    around = depth[top : row + _REACH + 1, left : column + _REACH + 1]
    if not around.size or not np.isfinite(around).any():
        return None
    v, u = np.unravel_index(int(np.argmin(around)), around.shape)
    z = float(around[v, u])
    f = camera.focal(size[1])
    ray = np.array([(u + left - (size[0] - 1) / 2) / f, (v + top - (size[1] - 1) / 2) / f, 1.0])
    T = camera.T_world_camera
    return np.asarray(T[:3, :3] @ (ray * z) + T[:3, 3])
