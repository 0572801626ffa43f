"""The pictures that a field is made of, as one array, with their poses and times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import Geo3DError, ReconstructionError
from geo3d.io import RGBDDataset
from geo3d.ops import undistort
from geo3d.types import PinholeCamera

MOST = 400
_STEP = 4


@dataclass(frozen=True, eq=False)
class Pictures:
    """M pictures of one size.

    colors          [M, H, W, 3] uint8
    depths          [M, h, w] float32 metres of every 4th depth pixel, 0 = none
    depth_camera    intrinsics of `depths`
    camera          of the colour pictures as the data set gives it, without distortion
    T_world_camera  [M, 4, 4]
    times           [M]
    indices         frames of the data set
    """

    colors: NDArray[np.uint8]
    depths: NDArray[np.float32]
    depth_camera: PinholeCamera
    camera: PinholeCamera
    T_world_camera: NDArray[np.float64]
    times: NDArray[np.float64]
    indices: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.colors)


def load_pictures(dataset: RGBDDataset, frames: Sequence[int]) -> Pictures:
    """Read posed frames with colour, at most `MOST` evenly taken; frames that cannot be read are left out.

    Raises `ReconstructionError` when fewer than two are left.
    """
    chosen = list(frames)[:: max(1, -(-len(frames) // MOST))]
    colors, depths, poses, indices = [], [], [], []
    camera = depth_camera = None
    for i in chosen:
        try:
            frame = undistort(dataset.load(i))
        except Geo3DError:
            continue
        if frame.color is None or frame.T_world_camera is None:
            continue
        seen_by = frame.camera.resized(frame.color.shape[1], frame.color.shape[0])
        if camera is None:
            camera = seen_by
        elif camera != seen_by:
            # A field has one colour camera; frames zoomed otherwise are few where they occur at all.
            continue
        colors.append(frame.color)
        depths.append(frame.depth_metres()[_STEP // 2 :: _STEP, _STEP // 2 :: _STEP])
        depth_camera = _every(frame.camera, depths[-1].shape)
        poses.append(frame.T_world_camera)
        indices.append(i)
    if camera is None or depth_camera is None or len(colors) < 2:
        raise ReconstructionError(
            f"a field needs at least two frames with colour, depth and pose, {dataset.folder} has {len(colors)}"
        )
    times = dataset.timestamps[indices].astype(np.float64)
    return Pictures(
        np.stack(colors), np.stack(depths), depth_camera, replace(camera, distortion=()), np.stack(poses), times,
        tuple(indices),
    )  # fmt: skip


def _every(camera: PinholeCamera, shape: tuple[int, ...]) -> PinholeCamera:
    """The camera of every `_STEP`-th pixel, from the `_STEP // 2`-th on."""
    cx, cy = ((c - _STEP // 2) / _STEP for c in (camera.cx, camera.cy))
    return PinholeCamera(shape[1], shape[0], camera.fx / _STEP, camera.fy / _STEP, cx, cy)
