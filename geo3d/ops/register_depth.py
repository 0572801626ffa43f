"""Depth of one camera as another one beside it would have measured it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import ShapeError
from geo3d.ops.undistort import undistort
from geo3d.ops.warp import splat
from geo3d.types import PinholeCamera, RGBDFrame
from geo3d.types.checks import as_transform


def register_depth(
    frame: RGBDFrame, color: NDArray[np.uint8], camera: PinholeCamera, T_color_depth: NDArray[np.float64]
) -> RGBDFrame:
    """The frame as the colour camera sees it, without distortion: depth registered to `color` [H, W, 3] of `camera`.

    The depth gets the size at which its pixels are as wide as they were, so that a surface seen squarely has no gaps;
    of points that meet in one pixel the nearest counts.  A pose of the frame becomes that of the colour camera.
    """
    if color.shape[:2] != (camera.height, camera.width):
        raise ShapeError(f"colour is {list(color.shape)}, but its camera {camera.width}x{camera.height}")
    T = as_transform(T_color_depth, "T_color_depth")
    ideal = replace(camera, distortion=())
    shrink = min(1.0, frame.camera.fx / camera.fx, frame.camera.fy / camera.fy)
    small = ideal.resized(max(1, round(camera.width * shrink)), max(1, round(camera.height * shrink)))
    seen = splat(frame.depth, frame.depth_metres(), frame.camera, small, T)
    steps = np.rint(seen.depth * frame.depth_scale)
    depth = np.where((steps > 0) & (steps < 65536), steps, 0).astype(np.uint16)
    picture = undistort(RGBDFrame(np.zeros(color.shape[:2], np.uint16), camera, color=color)).color
    pose = None if frame.T_world_camera is None else frame.T_world_camera @ np.linalg.inv(T)
    return replace(frame, depth=depth, camera=small, color=picture, T_world_camera=pose)
