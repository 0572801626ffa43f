"""A frame as an ideal pinhole camera would have seen it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from geo3d.ops.distortion import distort
from geo3d.ops.unproject import pixel_grid
from geo3d.ops.warp import sample_bilinear
from geo3d.types import PinholeCamera, RGBDFrame


def undistort(frame: RGBDFrame) -> RGBDFrame:
    """Resample colour (bilinear) and depth (nearest: depths are never mixed) to a camera without distortion.

    The new camera keeps size and K.  Pixels that the lens did not see are black and 0.
    """
    if not frame.camera.distortion:
        return frame
    camera = frame.camera
    depth = _nearest(frame.depth, _source_pixels(camera))
    color = frame.color
    if color is not None:
        seen_by = camera.resized(color.shape[1], color.shape[0])
        values, inside = sample_bilinear(color.astype(np.float64), _source_pixels(seen_by))
        color = np.where(inside[..., None], np.rint(values), 0).astype(np.uint8)
    return replace(frame, depth=depth, color=color, camera=replace(camera, distortion=()))


def _source_pixels(camera: PinholeCamera) -> NDArray[np.float64]:
    """[H, W, 2] where each pixel of the ideal camera lies in the distorted image."""
    grid = pixel_grid(camera.width, camera.height)
    x, y = distort((grid[..., 0] - camera.cx) / camera.fx, (grid[..., 1] - camera.cy) / camera.fy, camera.distortion)
    return np.stack([x * camera.fx + camera.cx, y * camera.fy + camera.cy], -1)


def _nearest(image: NDArray[np.uint16], pixels: NDArray[np.float64]) -> NDArray[np.uint16]:
    h, w = image.shape
    u, v = np.rint(pixels[..., 0]).clip(-1, w).astype(np.int64), np.rint(pixels[..., 1]).clip(-1, h).astype(np.int64)
    inside = (u >= 0) & (u < w) & (v >= 0) & (v < h)
    return np.where(inside, image[v.clip(0, h - 1), u.clip(0, w - 1)], 0).astype(image.dtype)
