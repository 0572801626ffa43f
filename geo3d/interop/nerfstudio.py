"""Cameras as nerfstudio's `Cameras`: OpenGL axes, pixel coordinates from the corner of the first pixel, float32."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import ShapeError
from geo3d.io.rgbd.transforms_entries import is_rational, opengl_pose
from geo3d.optional import require
from geo3d.types import PinholeCamera
from geo3d.types.checks import as_transform


def to_cameras(cameras: list[PinholeCamera], poses: list[NDArray[np.float64]]) -> Any:
    """Return nerfstudio `Cameras` of pictures with these cameras and camera-to-world poses (OpenCV axes)."""
    torch = require("torch", "all", "nerfstudio's Cameras")
    module = require("nerfstudio.cameras.cameras", "all", "nerfstudio's Cameras", "nerfstudio")
    if len(cameras) != len(poses) or not cameras:
        raise ShapeError(f"{len(cameras)} cameras and {len(poses)} poses; at least one, and as many of each")
    if any(is_rational(c) for c in cameras):
        raise ShapeError("nerfstudio has no rational distortion (k4 k5 k6); undistort first (geo3d.ops.undistort)")
    T = np.stack([opengl_pose(as_transform(T, f"pose {i}"))[:3] for i, T in enumerate(poses)])
    rows = [[c.fx, c.fy, c.cx + 0.5, c.cy + 0.5, *_distortion(c)] for c in cameras]
    table = torch.from_numpy(np.array(rows, np.float32))
    sizes = torch.tensor([[c.width, c.height] for c in cameras])
    return module.Cameras(
        camera_to_worlds=torch.from_numpy(T.astype(np.float32)),
        fx=table[:, 0:1], fy=table[:, 1:2], cx=table[:, 2:3], cy=table[:, 3:4],
        width=sizes[:, 0:1], height=sizes[:, 1:2], distortion_params=table[:, 4:],
        camera_type=module.CameraType.PERSPECTIVE,
    )  # fmt: skip


def from_cameras(cameras: Any) -> tuple[list[PinholeCamera], list[NDArray[np.float64]]]:
    """(cameras, camera-to-world poses with OpenCV axes) of perspective `Cameras`."""
    module = require("nerfstudio.cameras.cameras", "all", "nerfstudio's Cameras", "nerfstudio")
    found: list[PinholeCamera] = []
    poses: list[NDArray[np.float64]] = []
    flat = cameras.flatten()
    for i in range(len(flat)):
        one = flat[i]
        if int(one.camera_type) != module.CameraType.PERSPECTIVE.value:
            raise ShapeError(f"camera {i} is no perspective camera")
        k1, k2, k3, k4, p1, p2 = (0.0,) * 6 if one.distortion_params is None else one.distortion_params.tolist()
        if k4:
            raise ShapeError(f"camera {i} has a fourth radial coefficient, for which a pinhole camera has no place")
        fx, fy, cx, cy = (float(getattr(one, k)) for k in ("fx", "fy", "cx", "cy"))
        size = int(one.width), int(one.height)
        found.append(PinholeCamera(*size, fx, fy, cx - 0.5, cy - 0.5, (k1, k2, p1, p2, k3)))
        T = np.eye(4)
        T[:3] = one.camera_to_worlds.numpy().astype(np.float64)
        # Rotations of float32 are rotations to 1e-7 only.
        u, _, vt = np.linalg.svd(T[:3, :3])
        T[:3, :3] = u @ vt
        poses.append(opengl_pose(T))
    return found, poses


def _distortion(camera: PinholeCamera) -> tuple[float, ...]:
    """nerfstudio's order: k1 k2 k3 k4 p1 p2."""
    k1, k2, p1, p2, k3 = (*camera.distortion, *(0.0,) * 5)[:5]
    return k1, k2, k3, 0.0, p1, p2
