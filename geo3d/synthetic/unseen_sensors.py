"""Depth cameras that nothing was trained or tuned on: time of flight, window stereo and sparse laser, by their causes.

`SENSORS` add errors to a depth image; these make them the way the cameras do: a time-of-flight pixel sums the light of
all it sees, a stereo match is the best of a whole window, a phone spreads few laser spots along the edges of its
picture.  They are kept apart so that registration can be measured on sensors of another kind.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_filter1d, map_coordinates, maximum_filter, uniform_filter

from geo3d.types import PinholeCamera

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TimeOfFlight:
    """A continuous-wave camera, as in headsets.

    camera, depth_scale, near, far, grey  as in `Sensor`
    noise    standard deviation in metres of a white surface seen squarely at 1 m; grows as light is lost
    least    share of that surface's light below which a pixel is dropped
    blur     pixels over which light is summed: what lies between two surfaces at an edge
    dropped  share of those mixed pixels that the camera notices
    bias     metres of the errors of phase and of stray light
    corner   of half the diagonal: beyond it the lens sees nothing
    """

    camera: PinholeCamera
    noise: float
    least: float
    blur: float
    dropped: float
    bias: float
    corner: float
    near: float = 0.3
    far: float = 6.0
    depth_scale: float = 1000
    grey: bool = True

    def measure(
        self, depth: NDArray[np.float32], rng: np.random.Generator, brightness: Floats | None = None
    ) -> NDArray[np.uint16]:
        """Turn exact depth [H, W] and brightness [H, W] (0 to 255) into the sensor's uint16 image."""
        seen, z = _known(depth)
        light = _light(self.camera, z, brightness, rng) * seen
        summed = gaussian_filter(light, self.blur)
        mixed = gaussian_filter(light * z, self.blur) / np.maximum(summed, 1e-9)
        between = np.abs(mixed - z) > 0.02 * z
        error = gaussian_filter(rng.normal(size=z.shape), 0.7) * 2.5
        out = mixed + error * self.noise / np.sqrt(np.maximum(light, 1e-4))
        out += self.bias * (np.sin(2 * np.pi * z / 0.7) + _smooth_noise(z.shape, z.shape[1] / 5, rng))
        h, w = z.shape
        v, u = np.mgrid[:h, :w]
        inside = np.hypot(u - w / 2, v - h / 2) < self.corner * np.hypot(w, h) / 2
        lost = between & (rng.uniform(size=z.shape) < self.dropped)
        return _stored(self, out, seen & inside & ~lost & (light > self.least))


@dataclass(frozen=True)
class WindowStereo:
    """A pair of cameras with block matching.

    baseline  metres
    window    pixels of the matched block: the near side grows over the far one by half of it
    noise     standard deviation of disparity, pixels, about alike within a window
    locking   pixels by which disparities are drawn to whole ones
    subpixel  step of disparity, pixels
    bare      standard deviation of brightness within the window below which half of the matches are lost
    """

    camera: PinholeCamera
    baseline: float
    window: int
    noise: float
    locking: float
    subpixel: float
    bare: float
    near: float = 0.3
    far: float = 4.0
    depth_scale: float = 1000
    grey: bool = False

    def measure(
        self, depth: NDArray[np.float32], rng: np.random.Generator, brightness: Floats | None = None
    ) -> NDArray[np.uint16]:
        """As in `TimeOfFlight`."""
        seen, z = _known(depth)
        exact = self.camera.fx * self.baseline / z
        # Where the block decides for the near side differs from place to place with the texture.
        share = 0.5 + 0.5 * np.tanh(_smooth_noise(z.shape, self.window, rng))
        fat = [maximum_filter(exact, k) for k in (1, self.window // 2 | 1, self.window)]
        d = np.choose(np.minimum((3 * share).astype(int), 2), fat)
        column = np.arange(z.shape[1])
        landing = column - d
        nearest = np.minimum.accumulate(landing[:, ::-1], axis=1)[:, ::-1]
        shadow = landing > nearest + 1.0
        d = d + self.noise * _smooth_noise(z.shape, self.window / 4, rng)
        d = d - self.locking * np.sin(2 * np.pi * d)
        d = np.rint(d / self.subpixel) * self.subpixel
        keep = seen & ~shadow & (d > self.subpixel)
        if brightness is not None:
            mean = uniform_filter(brightness, self.window)
            deviation = np.sqrt(np.maximum(uniform_filter(brightness**2, self.window) - mean**2, 0))
            keep &= (deviation > self.bare) | (_smooth_noise(z.shape, self.window, rng) > 0)
        return _stored(self, self.camera.fx * self.baseline / np.maximum(d, self.subpixel), keep)


@dataclass(frozen=True)
class SparseLidar:
    """A phone's laser spots, spread over a picture by its brightness.

    spacing  pixels between spots
    noise    standard deviation of a spot, relative to distance
    reach    of a spot, in spacings; contrast: grey levels across which it does not reach
    blur     pixels of the last filter
    """

    camera: PinholeCamera
    spacing: float
    noise: float
    reach: float
    contrast: float
    blur: float
    near: float = 0.2
    far: float = 5.0
    depth_scale: float = 1000
    grey: bool = False

    def measure(
        self, depth: NDArray[np.float32], rng: np.random.Generator, brightness: Floats | None = None
    ) -> NDArray[np.uint16]:
        """As in `TimeOfFlight`."""
        seen, z = _known(depth)
        h, w = z.shape
        v, u = np.mgrid[0 : h : self.spacing, 0 : w : self.spacing]
        v, u = (np.clip((x + rng.uniform(0, self.spacing)).astype(int), 0, n - 1).ravel() for x, n in ((v, h), (u, w)))
        hit = seen[v, u] & (z[v, u] < self.far)
        v, u = v[hit], u[hit]
        spot = z[v, u] * (1 + self.noise * rng.normal(size=len(u)))
        grey = np.full(z.shape, 128.0) if brightness is None else gaussian_filter(brightness, 1.0)
        # A bilateral grid: spots are spread in layers of brightness, and each pixel is read between its two layers.
        layers = np.arange(0, 256 + self.contrast, self.contrast)
        total, weight = (np.zeros((len(layers), h, w)) for _ in range(2))
        at = np.rint(grey[v, u] / self.contrast).astype(int)
        np.add.at(weight, (at, v, u), 1.0)
        np.add.at(total, (at, v, u), spot)
        for field in (weight, total):
            field += 1e-6 * field.sum(axis=0)
            field[:] = gaussian_filter1d(field, 0.6, axis=0)
            for axis in (1, 2):
                field[:] = gaussian_filter1d(field, self.reach * self.spacing, axis=axis, truncate=3)
        spread = total / np.maximum(weight, 1e-12)
        rows, columns = np.mgrid[:h, :w]
        out = map_coordinates(spread, [grey / self.contrast, rows, columns], order=1, mode="nearest")
        return _stored(self, gaussian_filter(out, self.blur), seen & (z < self.far))


def _known(depth: NDArray[np.float32]) -> tuple[NDArray[np.bool_], Floats]:
    seen = np.isfinite(depth) & (depth > 0)
    return seen, np.where(seen, depth, 30.0).astype(np.float64)


def _light(camera: PinholeCamera, z: Floats, brightness: Floats | None, rng: np.random.Generator) -> Floats:
    """[H, W] light that comes back: 1 from a white surface seen squarely at 1 m."""
    h, w = z.shape
    v, u = np.mgrid[:h, :w]
    # The slant within a surface: of both neighbours, the one that is nearer in depth.
    a, b = (_slope(1 / z, axis) for axis in (0, 1))
    n = np.stack([b * camera.fx, a * camera.fy, 1 / z - a * (v - camera.cy) - b * (u - camera.cx)], axis=-1)
    ray = np.stack([(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, np.ones_like(z)], axis=-1)
    length = np.linalg.norm(ray, axis=-1)
    facing = np.abs((n * ray).sum(-1)) / np.maximum(np.linalg.norm(n, axis=-1) * length, 1e-12)
    # Infrared is not what the eye sees, but dark things tend to be dark in both.
    visible = np.full(z.shape, 0.5) if brightness is None else brightness / 255
    albedo = np.clip(0.15 + 0.6 * visible + 0.15 * _smooth_noise(z.shape, 25, rng), 0.05, 1.0)
    return np.asarray(albedo * facing / (z * length) ** 2)


def _slope(x: Floats, axis: int) -> Floats:
    step = np.diff(x, axis=axis)
    edge = np.take(step, [0], axis), np.take(step, [-1], axis)
    before, after = np.concatenate([edge[0], step], axis), np.concatenate([step, edge[1]], axis)
    return np.asarray(np.where(np.abs(before) < np.abs(after), before, after))


def _smooth_noise(shape: tuple[int, ...], sigma: float, rng: np.random.Generator) -> Floats:
    """Unit deviation, alike over about `sigma` pixels."""
    noise = gaussian_filter(rng.normal(size=shape), sigma)
    return np.asarray(noise / max(float(noise.std()), 1e-12))


def _stored(
    sensor: TimeOfFlight | WindowStereo | SparseLidar, z: Floats, keep: NDArray[np.bool_]
) -> NDArray[np.uint16]:
    keep = keep & (z >= sensor.near) & (z <= sensor.far)
    return np.where(keep, np.rint(z * sensor.depth_scale), 0).astype(np.uint16)


UNSEEN_SENSORS: dict[str, TimeOfFlight | WindowStereo | SparseLidar] = {
    "long throw": TimeOfFlight(
        PinholeCamera(320, 288, 203.0, 203.0, 158.0, 146.0), 0.0028, 0.006, 0.55, 0.6, 0.005, 0.93
    ),
    "stereo 4 m": WindowStereo(
        PinholeCamera(480, 270, 240.0, 240.0, 239.0, 136.0), 0.05, 9, 0.07, 0.04, 0.0625, 5.0
    ),
    "phone spots": SparseLidar(PinholeCamera(256, 192, 200.0, 200.0, 127.5, 95.5), 6.0, 0.007, 0.7, 40.0, 1.2),
}  # fmt: skip
