"""Noise of depth cameras: what a sensor makes of a perfect depth image.

Structured light and stereo measure disparity, so their error grows with the square of the distance (Khoshelham and
Elberink 2012: 1.43e-5 px of disparity noise per mm for Kinect v1, in practice sigma = 1.2 mm + 1.9 mm/m^2 (z - 0.4)^2,
Nguyen et al. 2012); time of flight grows about linearly and smears edges into flying pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, gaussian_filter, maximum_filter, minimum_filter
from scipy.special import ndtri

from geo3d.types import PinholeCamera


class DepthCamera(Protocol):
    """Whatever turns exact depth and the picture's brightness into a depth image; fields as in `Sensor`."""

    @property
    def camera(self) -> PinholeCamera: ...
    @property
    def depth_scale(self) -> float: ...
    @property
    def grey(self) -> bool: ...
    def measure(
        self, depth: NDArray[np.float32], rng: np.random.Generator, brightness: NDArray[np.float64] | None = None
    ) -> NDArray[np.uint16]: ...


@dataclass(frozen=True)
class Sensor:
    """A depth camera.

    camera         intrinsics shared by depth and colour
    depth_scale    steps per metre of the uint16 it stores
    near, far      range in metres
    baseline       metres; > 0: depth is 1 / disparity, quantised to `subpixel` of a pixel; 0: time of flight
    subpixel       disparity step in pixels
    noise          standard deviation: of disparity in pixels (stereo), or relative to distance (time of flight)
    flying         share of the pixels at depth edges that land between the surfaces
    holes          share of the image in blotches without depth, about
    bias           standard deviation of a smooth error over the image, relative to distance
    smooth         standard deviation in pixels of the filter that a phone runs over its few laser spots
    grey           the camera beside it takes grey images (delivered as RGB with equal channels)
    """

    camera: PinholeCamera
    depth_scale: float
    near: float
    far: float
    baseline: float
    subpixel: float
    noise: float
    flying: float
    holes: float = 0.03
    bias: float = 0.0
    smooth: float = 0.0
    grey: bool = False

    def measure(
        self, depth: NDArray[np.float32], rng: np.random.Generator, brightness: NDArray[np.float64] | None = None
    ) -> NDArray[np.uint16]:
        """Turn exact depth [H, W] in metres (0 or inf: nothing) into the sensor's uint16 image; light plays no part."""
        valid = np.isfinite(depth) & (depth >= self.near) & (depth <= self.far)
        z = np.where(valid, depth, 1.0).astype(np.float64)
        high, low = maximum_filter(z, 3), minimum_filter(z, 3)
        edge = (high - low > 0.02 + 0.03 * z) & valid
        # Errors of real sensors are correlated over a few pixels.
        error = gaussian_filter(rng.normal(size=z.shape), 0.8) * 2.8
        if self.baseline > 0:
            disparity = self.camera.fx * self.baseline / z + error * self.noise
            disparity = np.rint(disparity / self.subpixel) * self.subpixel
            z = self.camera.fx * self.baseline / np.maximum(disparity, self.subpixel)
            # The shadow between projector and camera, and lost matches along edges.
            valid &= ~(binary_dilation(edge, iterations=2) & (rng.uniform(size=z.shape) < 0.5))
        else:
            z = z * (1 + error * self.noise)
        if self.bias > 0:
            wave = gaussian_filter(rng.normal(size=z.shape), z.shape[1] / 6)
            z = z * (1 + self.bias * wave / max(float(wave.std()), 1e-12))
        if self.smooth > 0:
            z = gaussian_filter(z, self.smooth)
        fly = edge & (rng.uniform(size=z.shape) < self.flying)
        z[fly] = (low + rng.uniform(size=z.shape) * (high - low))[fly]
        blotches = gaussian_filter(rng.normal(size=z.shape), 6)
        # A Gaussian of 6 pixels leaves a deviation of 1 / (2 sqrt(pi) 6).
        holes = blotches > 0.14 if self.holes == 0.03 else blotches > ndtri(1 - self.holes) * 0.047
        steps = np.rint(z * self.depth_scale)
        keep = valid & ~holes & (z >= self.near) & (z <= self.far) & (steps < 65535)
        return np.where(keep, steps, 0).astype(np.uint16)


SENSORS: dict[str, Sensor] = {
    "kinect": Sensor(PinholeCamera(640, 480, 585.0, 585.0, 319.5, 239.5), 1000, 0.4, 5.0, 0.075, 0.125, 0.1, 0.05),
    "stereo": Sensor(PinholeCamera(640, 480, 610.0, 610.0, 322.0, 241.0), 1000, 0.2, 8.0, 0.05, 0.03125, 0.06, 0.15),
    "tof": Sensor(PinholeCamera(640, 576, 505.0, 505.0, 321.0, 330.0), 1000, 0.25, 5.5, 0.0, 0.0, 0.0025, 0.3),
    "phone": Sensor(PinholeCamera(256, 192, 212.0, 212.0, 128.0, 96.0), 1000, 0.2, 5.0, 0.0, 0.0, 0.006, 0.4),
    "headset": Sensor(
        PinholeCamera(320, 288, 210.0, 222.0, 161.0, 145.0),
        1000,
        0.4,
        6.0,
        0.0,
        0.0,
        0.005,
        0.3,
        0.06,
        0.004,
        0.0,
        True,
    ),
    "lidar": Sensor(
        PinholeCamera(256, 192, 214.0, 214.0, 127.0, 95.5), 1000, 0.2, 5.0, 0.0, 0.0, 0.004, 0.1, 0.01, 0.006, 1.5
    ),
    "holey": Sensor(
        PinholeCamera(424, 240, 305.0, 305.0, 212.0, 119.0), 1000, 0.2, 8.0, 0.05, 0.0625, 0.15, 0.3, 0.2, 0.003
    ),
}
