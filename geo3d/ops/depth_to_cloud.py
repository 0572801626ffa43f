"""An RGB-D frame as a point cloud."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import ShapeError
from geo3d.ops.unproject import pixel_grid, unproject
from geo3d.types import PointCloud, RGBDFrame


def depth_to_cloud(
    frame: RGBDFrame, *, world: bool = False, max_depth: float | None = None, stride: int = 1
) -> PointCloud:
    """The measured points of a frame, row by row, with their colours.

    world      points in the world frame (needs `frame.T_world_camera`) instead of the camera frame
    max_depth  metres; what lies farther is left out
    stride     take every stride-th pixel in both directions

    Colour is sampled bilinearly, with the colour camera resized if the image sizes differ.  Returns float64 points.
    """
    if world and frame.T_world_camera is None:
        raise ShapeError(f"frame '{frame.name}' has no pose; use world=False for points in the camera frame")
    pixels = pixel_grid(frame.camera.width, frame.camera.height)[::stride, ::stride]
    depth = frame.depth[::stride, ::stride].astype(np.float64) / frame.depth_scale
    points, valid = unproject(pixels, depth, frame.camera, frame.T_world_camera if world else None)
    if max_depth is not None:
        valid = valid & (depth <= max_depth)
    colors = None if frame.color is None else colors_at(frame.color, pixels[valid], frame.depth.shape)
    return PointCloud(points[valid], colors)


def colors_at(color: NDArray[np.uint8], pixels: NDArray[np.float64], depth_shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """[N, 3] colours at pixels [N, 2] of a depth image whose colour image may have another size."""
    height, width = color.shape[:2]
    sx, sy = width / depth_shape[1], height / depth_shape[0]
    u = ((pixels[:, 0] + 0.5) * sx - 0.5).clip(0, width - 1)
    v = ((pixels[:, 1] + 0.5) * sy - 0.5).clip(0, height - 1)
    u0, v0 = np.floor(u).astype(np.int64), np.floor(v).astype(np.int64)
    u1, v1 = np.minimum(u0 + 1, width - 1), np.minimum(v0 + 1, height - 1)
    a, b = (u - u0)[:, None], (v - v0)[:, None]
    top = color[v0, u0] * (1 - a) + color[v0, u1] * a
    bottom = color[v1, u0] * (1 - a) + color[v1, u1] * a
    return np.rint(top * (1 - b) + bottom * b).astype(np.uint8)
