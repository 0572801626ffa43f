"""Pixels and depth to points."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import ShapeError
from geo3d.ops._arrays import as_array, as_float, cast, check_last, is_tensor, namespace, transform
from geo3d.ops.distortion import undistort_normalised
from geo3d.types import PinholeCamera


class Unprojection(NamedTuple):
    """Points of pixels.

    points  [..., 3] metres, 0 where not valid
    valid   [...] bool: depth is positive and finite, and the distortion could be inverted to 1e-9
    """

    points: Any
    valid: Any


def pixel_grid(width: int, height: int) -> NDArray[np.float64]:
    """[height, width, 2] the (u, v) of every pixel centre."""
    u, v = np.meshgrid(np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64))
    return np.stack([u, v], -1)


def unproject(pixels: Any, depth: Any, camera: PinholeCamera, T_points_camera: Any = None) -> Unprojection:
    """The points that project to `pixels` at `depth`.

    pixels          [..., 2] column and row, or None: the whole grid of the camera
    depth           [...] z in metres; [height, width] with pixels=None
    T_points_camera [4, 4], optional: the result is in that frame instead of the camera's

    numpy in, numpy out; tensors in, tensors out, differentiable with respect to pixels and depth.
    """
    depth = as_float(as_array(depth, like=pixels))
    if pixels is None:
        if tuple(depth.shape) != (camera.height, camera.width):
            raise ShapeError(f"depth is {list(depth.shape)} but the camera is [{camera.height}, {camera.width}]")
        pixels = pixel_grid(camera.width, camera.height)
    pixels = as_float(check_last(as_array(pixels, like=depth), 2, "pixels"))
    xp = namespace(pixels, depth)
    dtype = depth.dtype
    u, v = cast(pixels[..., 0], xp.float64), cast(pixels[..., 1], xp.float64)
    x, y, converged = undistort_normalised((u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, camera.distortion)
    valid = converged & xp.isfinite(depth) & (depth > 0)
    z = xp.where(valid, cast(depth, xp.float64), xp.zeros_like(cast(depth, xp.float64)))
    points = xp.stack([x * z, y * z, z], -1)
    if T_points_camera is not None:
        points = transform(T_points_camera, points)
        points = xp.where(valid[..., None], points, xp.zeros_like(points))
    return Unprojection(cast(points, dtype) if is_tensor(points) else points.astype(dtype), valid)
