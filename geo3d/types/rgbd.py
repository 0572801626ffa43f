"""One frame of an RGB-D sensor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import ShapeError
from geo3d.types.camera import PinholeCamera
from geo3d.types.checks import as_transform


@dataclass(frozen=True, eq=False)
class RGBDFrame:
    """Colour and depth of one moment, registered to one camera.

    depth           [H, W] uint16, in sensor steps; 0 = none
    depth_scale     steps per metre (1000: millimetres; 5000: TUM)
    camera          intrinsics of the depth image (and of the colour image, resized if that differs in size)
    color           [H', W', 3] uint8 RGB, or None
    T_world_camera  [4, 4] camera-to-world, OpenCV axes, metres; None if unknown
    timestamp       seconds, None if unknown
    name            the frame's name in its folder
    """

    depth: NDArray[np.uint16]
    camera: PinholeCamera
    depth_scale: float = 1000.0
    color: NDArray[np.uint8] | None = None
    T_world_camera: NDArray[np.float64] | None = None
    timestamp: float | None = None
    name: str = ""

    def __post_init__(self) -> None:
        if self.depth.ndim != 2 or self.depth.dtype != np.uint16:
            raise ShapeError(f"depth must be uint16 [H, W], got {self.depth.dtype} {list(self.depth.shape)}")
        if self.depth.shape != (self.camera.height, self.camera.width):
            raise ShapeError(
                f"depth is {self.depth.shape[1]}x{self.depth.shape[0]} but the camera is "
                f"{self.camera.width}x{self.camera.height}"
            )
        if not (np.isfinite(self.depth_scale) and self.depth_scale > 0):
            raise ShapeError(f"depth_scale must be positive (steps per metre), got {self.depth_scale}")
        if self.color is not None and (
            self.color.ndim != 3 or self.color.shape[2] != 3 or self.color.dtype != np.uint8
        ):
            raise ShapeError(f"color must be uint8 [H, W, 3], got {self.color.dtype} {list(self.color.shape)}")
        if self.T_world_camera is not None:
            object.__setattr__(self, "T_world_camera", as_transform(self.T_world_camera, "T_world_camera"))

    def depth_metres(self) -> NDArray[np.float32]:
        """[H, W] float32 depth in metres, 0 = none."""
        return (self.depth.astype(np.float64) / self.depth_scale).astype(np.float32)
