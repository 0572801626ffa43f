"""The pinhole camera with Brown-Conrady distortion, OpenCV conventions.

Frames: x right, y down, z forward; pixel (0, 0) is the centre of the top left pixel.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import ShapeError


@dataclass(frozen=True)
class PinholeCamera:
    """Intrinsics of one camera.

    width, height   pixels
    fx, fy, cx, cy  pixels
    distortion      (), or 4, 5 or 8 coefficients in OpenCV's order (k1, k2, p1, p2[, k3[, k4, k5, k6]])
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    distortion: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ShapeError(f"a camera needs a positive image size, got {self.width}x{self.height}")
        if not (np.isfinite([self.fx, self.fy, self.cx, self.cy]).all() and self.fx > 0 and self.fy > 0):
            raise ShapeError(f"focal lengths must be positive and finite, got fx={self.fx}, fy={self.fy}")
        distortion = tuple(float(k) for k in self.distortion)
        if len(distortion) not in (0, 4, 5, 8):
            raise ShapeError(f"distortion must have 0, 4, 5 or 8 coefficients (OpenCV order), got {len(distortion)}")
        object.__setattr__(self, "distortion", distortion if any(distortion) else ())

    @property
    def K(self) -> NDArray[np.float64]:
        """[3, 3] intrinsic matrix."""
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1.0]])

    @staticmethod
    def from_K(K: Any, width: int, height: int, distortion: tuple[float, ...] = ()) -> PinholeCamera:
        """Take a 3x3 (or 4x4) intrinsic matrix without skew."""
        K = np.asarray(K, dtype=np.float64)
        if K.ndim != 2 or min(K.shape) < 3:
            raise ShapeError(f"an intrinsic matrix is 3x3, got {list(K.shape)}")
        return PinholeCamera(width, height, K[0, 0], K[1, 1], K[0, 2], K[1, 2], distortion)

    def resized(self, width: int, height: int) -> PinholeCamera:
        """Return the camera of the same view at another resolution."""
        sx, sy = width / self.width, height / self.height
        return replace(
            self,
            width=width,
            height=height,
            fx=self.fx * sx,
            fy=self.fy * sy,
            cx=(self.cx + 0.5) * sx - 0.5,
            cy=(self.cy + 0.5) * sy - 0.5,
        )

    def to_open3d(self) -> Any:
        """Return an `open3d.camera.PinholeCameraIntrinsic` (distortion is refused: undistort first)."""
        import open3d as o3d

        if self.distortion:
            raise ShapeError("Open3D's camera has no distortion; undistort the frame first (geo3d.ops.undistort)")
        return o3d.camera.PinholeCameraIntrinsic(self.width, self.height, self.fx, self.fy, self.cx, self.cy)
