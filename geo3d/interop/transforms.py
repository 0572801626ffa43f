"""Cameras and poses as nerfstudio's `transforms.json` holds them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError, ShapeError
from geo3d.io.rgbd.transforms_entries import intrinsics, opengl_pose
from geo3d.types import PinholeCamera
from geo3d.types.checks import as_transform


def to_transforms(cameras: list[PinholeCamera], poses: list[NDArray[np.float64]], files: list[str]) -> dict[str, Any]:
    """The JSON object of pictures with these cameras, camera-to-world poses (OpenCV axes) and file names."""
    if not len(cameras) == len(poses) == len(files):
        raise ShapeError(f"{len(cameras)} cameras, {len(poses)} poses and {len(files)} files; one of each a picture")
    rows = zip(cameras, poses, files, strict=True)
    frames = [
        {"file_path": f, "transform_matrix": opengl_pose(as_transform(T, f"the pose of {f}")).tolist(), **intrinsics(c)}
        for c, T, f in rows
    ]
    return {"camera_model": "OPENCV", "frames": frames}


def from_transforms(meta: dict[str, Any]) -> tuple[list[PinholeCamera], list[NDArray[np.float64]], list[str]]:
    """Cameras, camera-to-world poses (OpenCV axes) and file names of a `transforms.json` object, in its order."""
    cameras: list[PinholeCamera] = []
    poses: list[NDArray[np.float64]] = []
    files: list[str] = []
    try:
        for frame in meta["frames"]:
            v = {**meta, **frame}
            keys = ("k1", "k2", "p1", "p2", "k3")
            distortion = tuple(float(v.get(k, 0.0)) for k in keys)
            size = int(v["w"]), int(v["h"])
            center = float(v["cx"]) - 0.5, float(v["cy"]) - 0.5
            cameras.append(PinholeCamera(*size, float(v["fl_x"]), float(v["fl_y"]), *center, distortion))
            poses.append(opengl_pose(as_transform(frame["transform_matrix"], "transform_matrix")))
            files.append(str(frame["file_path"]))
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"frame {len(files)} of transforms.json cannot be used: {error!r}") from error
    return cameras, poses, files
