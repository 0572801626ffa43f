"""Corrects the pose and exposure of each picture against the field as it is so far.

Zhou & Koltun 2014 (colour map optimisation) alternate between the colours of a surface and the poses of the pictures;
here the field is the colours.  The surface stays where it is; only where the colour was taken moves.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from geo3d.ops.warp import sample_bilinear
from geo3d.registration.se3 import exp_se3, inverse
from geo3d_recon.field.calibrate import grey_with_gradient, moved, pixels_of, pose_jacobian
from geo3d_recon.field.cameras import FieldCameras, rays_of
from geo3d_recon.field.model import RadianceField
from geo3d_recon.field.pictures import Pictures

_PIXELS = 3000
_STEPS = 2
_SCALE = 2
# A picture's own correction beyond the calibration: radians, metres.
_PRIOR = np.array([0.004] * 3 + [0.005] * 3)
_GAIN_LIMITS = (0.4, 2.5)


def refine(field: RadianceField, pictures: Pictures, rng: np.random.Generator) -> FieldCameras:
    """Cameras with one round of Gauss-Newton for each picture."""
    cameras = field.cameras
    T_color_camera, gains = cameras.T_color_camera.copy(), cameras.gains.copy()
    poses = cameras.T_world_color()
    h, w = pictures.colors.shape[1:3]
    for m in range(len(pictures)):
        u, v = rng.integers(0, w, _PIXELS).astype(np.float64), rng.integers(0, h, _PIXELS).astype(np.float64)
        o, d = rays_of(cameras.camera, poses[m], u, v)
        predicted, t = field.trace(o, d)
        hit = t > 0
        if hit.sum() < 300:
            continue
        places = (o + d * t[:, None])[hit]
        gains[m] = _gain(predicted, pictures.colors[m, v.astype(int), u.astype(int)] / 255, gains[m])
        grey = 255 * (predicted[hit] * gains[m]).mean(axis=1)
        T_color_camera[m] = _align(pictures.colors[m], grey, places, cameras, m)
    gains /= np.exp(np.log(gains).mean(axis=0))
    return replace(cameras, T_color_camera=T_color_camera, gains=gains)


def _gain(
    predicted: NDArray[np.float32], seen: NDArray[np.float64], before: NDArray[np.float64]
) -> NDArray[np.float64]:
    """[3] factors from predictions [N, 3] to what is seen: the median ratio of pixels neither dark nor blown."""
    result = before.copy()
    for c in range(3):
        usable = (predicted[:, c] > 0.08) & (seen[:, c] > 0.06) & (seen[:, c] < 0.97)
        if usable.sum() > 100:
            result[c] = np.median(seen[usable, c] / predicted[usable, c]).clip(*_GAIN_LIMITS)
    return result


def _align(
    color: NDArray[np.uint8], grey: NDArray[np.floating], places: NDArray[np.float64], cameras: FieldCameras, m: int
) -> NDArray[np.float64]:
    picture = grey_with_gradient(color, _SCALE)
    camera = cameras.camera.resized(color.shape[1] // _SCALE, color.shape[0] // _SCALE)
    T = cameras.T_color_camera[m]
    x0 = moved(inverse(cameras.T_world_camera[m]), places)
    total = np.zeros(6)
    for _ in range(_STEPS):
        x = moved(T, x0)
        values, inside = sample_bilinear(picture, pixels_of(x, camera))
        keep = inside & (x[:, 2] > 0)
        if keep.sum() < 300:
            break
        e = values[keep, 0] - grey[keep]
        e -= np.median(e)
        J = pose_jacobian(x[keep], camera, values[keep, 1], values[keep, 2])
        sigma = 1.4826 * float(np.median(np.abs(e))) + 1
        weights = 1 / (1 + (e / (2 * sigma)) ** 2) ** 2
        H = (J * weights[:, None]).T @ J + np.diag(sigma**2 * 10 / _PRIOR**2)
        step = -np.linalg.solve(H, (J * weights[:, None]).T @ e + sigma**2 * 10 / _PRIOR**2 * total)
        total += step
        T = exp_se3(step) @ T
    return T
