"""What a writer of `transforms.json` needs; `transforms_json` reads it back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import ShapeError
from geo3d.types import PinholeCamera

# OpenCV's camera looks along z with y down, OpenGL's along -z with y up.
_OPENCV_TO_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])


def opengl_pose(T_world_camera: NDArray[np.float64]) -> NDArray[np.float64]:
    """[4, 4] camera-to-world with OpenGL's camera axes (x right, y up, z back) of one with OpenCV's, or back."""
    return T_world_camera @ _OPENCV_TO_OPENGL


def intrinsics(camera: PinholeCamera) -> dict[str, Any]:
    """nerfstudio's intrinsics of a camera; its pixel coordinates count from the corner of the first pixel.

    Raises `ShapeError` on rational distortion (k4 k5 k6), for which it has no model.
    """
    if is_rational(camera):
        raise ShapeError("transforms.json has no rational distortion (k4 k5 k6); undistort first (geo3d.ops.undistort)")
    k1, k2, p1, p2, k3 = (*camera.distortion, *(0.0,) * 5)[:5]
    values: dict[str, Any] = {"fl_x": camera.fx, "fl_y": camera.fy, "cx": camera.cx + 0.5, "cy": camera.cy + 0.5}
    values |= {"w": camera.width, "h": camera.height, "k1": k1, "k2": k2, "p1": p1, "p2": p2}
    return values | ({"k3": k3} if k3 else {})


def is_rational(camera: PinholeCamera) -> bool:
    """True if the distortion has a denominator (OpenCV's k4, k5, k6)."""
    return any(camera.distortion[5:])
