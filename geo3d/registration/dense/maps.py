"""What a frame must be turned into once so that it can be aligned to many others quickly."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import RegistrationError
from geo3d.registration.dense import _image
from geo3d.registration.dense._relief import relief
from geo3d.types import PinholeCamera, RGBDFrame

FloatMap = NDArray[np.float32]

# Width of the finest level, pixels; noise, not resolution, limits the pose beyond it.
FINEST_WIDTH = 320
LEVELS = 3
# Neighbourhoods whose bending stands for texture where there is no colour, metres: mouldings, and edges of furniture.
RELIEF = (0.06, 0.12)


class Texture(NamedTuple):
    """What a two-way check correlates: [h, w] twice, and [h, w, 2] twice."""

    grey: FloatMap
    tone: FloatMap
    gradient: FloatMap
    chroma: FloatMap


@dataclass(frozen=True, eq=False)
class Level:
    """One resolution of a frame.

    camera   its intrinsics, without distortion
    depth    [h, w] metres, 0 = none
    normals  [h, w, 3] facing the camera, 0 = none
    grey     [h, w] locally normalised brightness (zero mean, about unit deviation), 0 without colour
    tone     [h, w] the same over a window of a sixth of the width, which forgives a few pixels of misregistration
    chroma   [h, w, 2] red-green and blue-yellow opponents, about -1 to 1
    gradient [h, w, 2] of grey along u and v, per pixel
    points   [N, 7] x y z, normal, grey of the pixels with depth and normal, raster order
    """

    camera: PinholeCamera
    depth: FloatMap
    normals: FloatMap
    grey: FloatMap
    tone: FloatMap
    chroma: FloatMap
    gradient: FloatMap
    points: FloatMap

    def texture(self, colored: bool) -> Texture:
        """Of colour, or where a pair has none, of shape."""
        return Texture(self.grey, self.tone, self.gradient, self.chroma) if colored else self.relief

    @cached_property
    def relief(self) -> Texture:
        """How the surface bends, in the place of colour: heights over the tangent plane within the smaller and the
        larger radius, turns of the normals within the larger one (as a gradient) and the smaller one (as chroma)."""
        camera = (self.camera.fx, self.camera.fy, self.camera.cx, self.camera.cy)
        (near, near_turn), (wide, wide_turn) = (relief(self.depth, self.normals, camera, r) for r in RELIEF)
        gradient = np.stack([wide_turn, np.zeros_like(wide_turn)], axis=2)
        return Texture(near.copy(), wide.copy(), gradient, np.stack([near_turn, near_turn], axis=2))


@dataclass(frozen=True, eq=False)
class FrameMaps:
    """A frame's pyramid, finest level first; `colored` tells whether `grey` means anything."""

    levels: tuple[Level, ...]
    colored: bool
    name: str = ""


def _locally_normalised(grey: FloatMap, size: int) -> FloatMap:
    from scipy.ndimage import uniform_filter

    mean = uniform_filter(grey, size, mode="nearest")
    variance = uniform_filter(grey * grey, size, mode="nearest") - mean * mean
    # 5 grey steps: below that a deviation is noise, and must not be blown up to texture.
    return ((grey - mean) / np.sqrt(np.maximum(variance, 0) + 25.0)).astype(np.float32)


def _smooth(image: FloatMap, size: int) -> FloatMap:
    from scipy.ndimage import uniform_filter

    return np.asarray(uniform_filter(image, size, mode="nearest"), dtype=np.float32)


def _level(camera: PinholeCamera, depth: FloatMap, rgb: FloatMap | None, step: int) -> Level:
    h, w = depth.shape
    normals = _image.normals_from_depth(depth, camera.fx, camera.fy, camera.cx, camera.cy, step, 0.06)
    if rgb is None:
        grey, tone, chroma = np.zeros((h, w), np.float32), np.zeros((h, w), np.float32), np.zeros((h, w, 2), np.float32)
    else:
        luma = (rgb @ np.array([0.299, 0.587, 0.114], np.float32)).astype(np.float32)
        grey = _locally_normalised(luma, max(5, w // 32) | 1)
        tone = _locally_normalised(_smooth(luma, max(1, w // 80) | 1), max(5, w // 6) | 1)
        total = rgb.sum(axis=2) + 30
        chroma = np.stack([rgb[..., 0] - rgb[..., 1], rgb[..., 2] - rgb[..., :2].mean(axis=2)], 2) / total[..., None]
    gradient = np.zeros((h, w, 2), np.float32)
    gradient[:, 1:-1, 0] = (grey[:, 2:] - grey[:, :-2]) / 2
    gradient[1:-1, :, 1] = (grey[2:] - grey[:-2]) / 2
    points = _image.list_points(depth, normals, grey, camera.fx, camera.fy, camera.cx, camera.cy)
    return Level(camera, depth, normals, grey, tone, chroma.astype(np.float32), gradient, points)


def frame_maps(frame: RGBDFrame) -> FrameMaps:
    """Build the pyramid of one frame.

    Raises `RegistrationError` if the frame has too little depth to be aligned to anything.
    """
    if frame.camera.distortion:
        from geo3d.ops import undistort

        frame = undistort(frame)
    factor = max(1, round(frame.camera.width / FINEST_WIDTH))
    depth = frame.depth_metres()
    valid = int((depth > 0).sum())
    if valid < 0.01 * depth.size:
        raise RegistrationError(
            f"frame '{frame.name}' has depth at {valid} of {depth.size} pixels; at least 1 % is needed"
        )
    depth = _image.reduce_depth(depth, factor) if factor > 1 else depth
    rgb = None
    if frame.color is not None:
        # Cropped like the depth, whose last rows and columns do not fill a block.
        rows = frame.color.shape[0] * depth.shape[0] * factor // frame.camera.height
        columns = frame.color.shape[1] * depth.shape[1] * factor // frame.camera.width
        rgb = _image.resample_area(frame.color[:rows, :columns], *depth.shape)
    camera = _reduced_camera(frame.camera, depth.shape, factor)
    levels = [_level(camera, depth, rgb, 2)]
    for _ in range(LEVELS - 1):
        depth = _image.reduce_depth(depth, 2)
        camera = _reduced_camera(camera, depth.shape, 2)
        if rgb is not None:
            rgb = rgb[: 2 * depth.shape[0], : 2 * depth.shape[1]]
            four = rgb[::2, ::2] + rgb[1::2, ::2] + rgb[::2, 1::2] + rgb[1::2, 1::2]
            rgb = np.asarray(four / 4, np.float32)
        levels.append(_level(camera, depth, rgb, 1))
    return FrameMaps(tuple(levels), rgb is not None, frame.name)


def _reduced_camera(camera: PinholeCamera, shape: tuple[int, ...], factor: int) -> PinholeCamera:
    return PinholeCamera(
        shape[1],
        shape[0],
        camera.fx / factor,
        camera.fy / factor,
        (camera.cx + 0.5) / factor - 0.5,
        (camera.cy + 0.5) / factor - 0.5,
    )
