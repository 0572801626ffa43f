"""The cameras that a field was made from, and how it sees through a new one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo3d.registration.se3 import exp_se3, inverse, log_se3
from geo3d.types import PinholeCamera

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FieldCameras:
    """M training pictures.

    camera          intrinsics of the colour pictures, as calibrated
    T_world_camera  [M, 4, 4] poses as the scan gives them
    T_color_camera  [M, 4, 4] from there to where the colour was taken: calibration and correction of the pose
    gains           [M, 3] exposure and white balance of each picture; their geometric mean is 1
    times           [M] increasing
    """

    camera: PinholeCamera
    T_world_camera: Array
    T_color_camera: Array
    gains: Array
    times: Array

    def __len__(self) -> int:
        return len(self.times)

    def at(self, T_world_camera: Array, time: float | None = None) -> tuple[Array, Array]:
        """(T_world_color [4, 4], gain [3]) of a new picture at a pose in the scan's world.

        With a time, correction and exposure are those of the pictures before and after it, else the scan's mean.
        """
        corrections = np.stack([log_se3(T) for T in self.T_color_camera])
        exposures = np.log(self.gains)
        if time is None:
            correction, exposure = np.median(corrections, axis=0), np.zeros(3)
        else:
            correction, exposure = (
                np.array([np.interp(time, self.times, column) for column in table.T])
                for table in (corrections, exposures)
            )
        return T_world_camera @ inverse(exp_se3(correction)), np.exp(exposure)

    def T_world_color(self) -> Array:
        """[M, 4, 4] where the training pictures were taken."""
        return np.stack([T @ inverse(C) for T, C in zip(self.T_world_camera, self.T_color_camera, strict=True)])


def rays_of(camera: PinholeCamera, T_world_color: Array, u: Array, v: Array) -> tuple[Array, Array]:
    """(origins [N, 3], directions [N, 3] of unit z in the camera) through pixels u, v [N]."""
    d = np.stack([(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, np.ones_like(u)], axis=1)
    return np.broadcast_to(T_world_color[:3, 3], d.shape), d @ T_world_color[:3, :3].T
