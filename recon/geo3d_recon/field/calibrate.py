"""Where the colour camera really sits and what its focal length is, from the pictures themselves.

Many sensors' colour is taken by a second camera beside the depth camera, with factory numbers that are a little off, or
treated as one camera where it is not.  A point measured in frame i must have the same grey value in pictures i and j:

    e = g I_i(K E x) + o - I_j(K E T_j_i x),      minimised over E = T_color_camera (6) and K (4)

by iteratively reweighted Gauss-Newton over pairs of frames, from coarse pictures to fine (Lucas & Kanade 1981; weights
of Geman & McClure), with a prior that keeps what the pictures do not determine.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from geo3d.ops.warp import sample_bilinear
from geo3d.registration.se3 import exp_se3, inverse, log_se3
from geo3d.types import PinholeCamera
from geo3d_recon.field.pictures import Pictures

Array = NDArray[np.float64]
PAIRS = 60
# How far nominal numbers are off: radians, metres, fractions of the focal length.
PRIOR = np.full(10, 0.02)
_SCALES = (8, 8, 4, 4, 2)
_ITERATIONS = 6
_PRIOR_WEIGHT = 100.0


@dataclass(frozen=True, eq=False)
class Calibration:
    """T_color_camera [4, 4]; camera: the colour pictures' intrinsics; residual before and after, grey steps."""

    T_color_camera: Array
    camera: PinholeCamera
    before: float
    after: float


def calibrate(pictures: Pictures, seed: int = 0) -> Calibration:
    """Find pose and intrinsics of the colour camera relative to the depth camera's; what does not help is not kept."""
    nominal = pictures.camera
    pairs = _pairs(pictures, np.random.default_rng(seed))
    T, camera = np.eye(4), nominal
    first = last = float("nan")
    for scale in _SCALES:
        if nominal.width // scale < 40:
            continue
        pyramid = _Pyramid(pictures, scale)
        start = _cost(pyramid, pairs, np.eye(4), nominal)
        for _ in range(_ITERATIONS):
            T, camera = _step(pyramid, pairs, T, camera, nominal)
        first, last = start, _cost(pyramid, pairs, T, camera)
    if not last < 0.99 * first:
        return Calibration(np.eye(4), nominal, first, first)
    return Calibration(T, camera, first, last)


def pose_jacobian(x: Array, camera: PinholeCamera, gu: Array, gv: Array) -> Array:
    """[N, 6] derivative of a picture's value at the projection of x [N, 3] by a motion (rotation, translation) of x.

    gu, gv  [N] the picture's derivatives there, a pixel
    """
    X, Y, iz = x[:, 0], x[:, 1], 1 / x[:, 2]
    du = np.stack([camera.fx * iz, np.zeros_like(iz), -camera.fx * X * iz * iz], axis=1)
    dv = np.stack([np.zeros_like(iz), camera.fy * iz, -camera.fy * Y * iz * iz], axis=1)
    g = gu[:, None] * du + gv[:, None] * dv
    return np.concatenate([np.cross(x, g), g], axis=1)


def moved(T: Array, x: Array) -> Array:
    """Points [N, 3] moved by T [4, 4]."""
    return x @ T[:3, :3].T + T[:3, 3]


def pixels_of(x: Array, camera: PinholeCamera) -> Array:
    """[N, 2] projection of points [N, 3] in front of the camera."""
    z = np.maximum(x[:, 2], 1e-6)
    return np.stack([camera.fx * x[:, 0] / z + camera.cx, camera.fy * x[:, 1] / z + camera.cy], axis=1)


def grey_with_gradient(color: NDArray[np.uint8], scale: int, blur: float = 1.0) -> Array:
    """[h, w, 3]: grey value 0 to 255, and its derivatives along u and v, of the picture made `scale` times smaller."""
    h, w = color.shape[0] // scale, color.shape[1] // scale
    grey = color[: h * scale, : w * scale].astype(np.float32).mean(axis=2)
    small = gaussian_filter(grey.reshape(h, scale, w, scale).mean(axis=(1, 3)), blur)
    gv, gu = np.gradient(small)
    return np.stack([small, gu, gv], axis=2).astype(np.float64)


class _Pyramid:
    """Pictures and measured points at one scale, made when first asked for."""

    def __init__(self, pictures: Pictures, scale: int) -> None:
        self.scale = scale
        self._pictures = pictures
        self._cache: dict[int, Array] = {}
        self.depth_camera = pictures.depth_camera

    def picture(self, i: int) -> Array:
        if i not in self._cache:
            self._cache[i] = grey_with_gradient(self._pictures.colors[i], self.scale)
        return self._cache[i]

    def small(self, camera: PinholeCamera) -> PinholeCamera:
        return camera.resized(camera.width // self.scale, camera.height // self.scale)

    def matches(self, i: int, j: int) -> tuple[Array, Array]:
        """Points seen in both frames: [N, 3] in the depth camera of i, and of j."""
        depth, camera = self._pictures.depths[i], self.depth_camera
        step = max(1, self.scale // 4)
        v, u = np.mgrid[0 : depth.shape[0] : step, 0 : depth.shape[1] : step]
        z = depth[v, u].astype(np.float64)
        u, v, z = u[z > 0], v[z > 0], z[z > 0]
        x = np.stack([(u - camera.cx) / camera.fx * z, (v - camera.cy) / camera.fy * z, z], axis=1)
        y = moved(inverse(self._pictures.T_world_camera[j]) @ self._pictures.T_world_camera[i], x)
        p = np.rint(pixels_of(y, camera)).astype(np.int64)
        inside = (y[:, 2] > 0) & (p >= 0).all(axis=1) & (p < [camera.width, camera.height]).all(axis=1)
        x, y, p = x[inside], y[inside], p[inside]
        same = np.abs(self._pictures.depths[j][p[:, 1], p[:, 0]] - y[:, 2]) < 0.03 * y[:, 2]
        return x[same], y[same]


def _pairs(pictures: Pictures, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Pairs that see the same from clearly different places."""
    depth = float(np.median(pictures.depths[pictures.depths > 0])) if (pictures.depths > 0).any() else 1.0
    T = pictures.T_world_camera
    a, b = rng.integers(0, len(T), (2, 200 * PAIRS))
    base = np.linalg.norm(T[a, :3, 3] - T[b, :3, 3], axis=1) / depth
    turn = np.arccos((T[a, :3, 2] * T[b, :3, 2]).sum(axis=1).clip(-1, 1))
    good = np.flatnonzero((base + turn > 0.05) & (base + turn < 0.6))
    return list(dict.fromkeys(zip(a[good].tolist(), b[good].tolist(), strict=True)))[:PAIRS]


def _residual(pyramid: _Pyramid, pair: tuple[int, int], T: Array, camera: PinholeCamera) -> tuple[Array, Array]:
    """([N] residuals, [N, 10] their derivatives); empty where the pair tells nothing."""
    none = np.zeros(0), np.zeros((0, 10))
    x, y = pyramid.matches(*pair)
    xi, xj = moved(T, x), moved(T, y)
    (a, in_a), (b, in_b) = (
        sample_bilinear(pyramid.picture(k), pixels_of(p, camera)) for k, p in zip(pair, (xi, xj), strict=True)
    )
    keep = in_a & in_b & (xi[:, 2] > 0) & (xj[:, 2] > 0)
    if keep.sum() < 200:
        return none
    xi, xj, a, b = xi[keep], xj[keep], a[keep], b[keep]
    gain = (b[:, 0].std() + 1e-3) / (a[:, 0].std() + 1e-3)
    if not 0.5 < gain < 2:
        return none
    e = gain * (a[:, 0] - a[:, 0].mean()) - (b[:, 0] - b[:, 0].mean())
    return e, gain * _jacobian(xi, camera, a) - _jacobian(xj, camera, b)


def _jacobian(x: Array, camera: PinholeCamera, values: Array) -> Array:
    gu, gv = values[:, 1], values[:, 2]
    intrinsic = np.stack([gu * x[:, 0] / x[:, 2], gv * x[:, 1] / x[:, 2], gu, gv], axis=1)
    return np.concatenate([pose_jacobian(x, camera, gu, gv), intrinsic], axis=1)


def _cost(pyramid: _Pyramid, pairs: list[tuple[int, int]], T: Array, camera: PinholeCamera) -> float:
    all_of = [np.minimum(np.abs(_residual(pyramid, p, T, pyramid.small(camera))[0]), 30) for p in pairs]
    values = np.concatenate([np.zeros(0), *all_of])
    return float(values.mean()) if len(values) else float("nan")


def _step(
    pyramid: _Pyramid, pairs: list[tuple[int, int]], T: Array, camera: PinholeCamera, nominal: PinholeCamera
) -> tuple[Array, PinholeCamera]:
    H, g, cost, count = np.zeros((10, 10)), np.zeros(10), 0.0, 0
    for pair in pairs:
        e, J = _residual(pyramid, pair, T, pyramid.small(camera))
        if not len(e):
            continue
        sigma = 1.4826 * float(np.median(np.abs(e))) + 1
        weights = 1 / (1 + (e / (2 * sigma)) ** 2) ** 2
        H += (J * weights[:, None]).T @ J
        g += (J * weights[:, None]).T @ e
        cost, count = cost + float(np.minimum(np.abs(e), 30).sum()), count + len(e)
    if not count:
        return T, camera
    # The intrinsics' part is by pixels of the small picture.
    s = pyramid.scale
    spread = PRIOR * np.append(np.ones(6), np.full(4, nominal.fx / s))
    held = np.diag((cost / count) ** 2 * _PRIOR_WEIGHT / spread**2)
    off = (np.array([camera.fx, camera.fy, camera.cx, camera.cy])
           - [nominal.fx, nominal.fy, nominal.cx, nominal.cy]) / s  # fmt: skip
    d = -np.linalg.solve(H + held, g + held @ np.concatenate([log_se3(T), off]))
    fx, fy, cx, cy = np.array([camera.fx, camera.fy, camera.cx, camera.cy]) + d[6:] * s
    if not (fx > 0.5 * nominal.fx and fy > 0.5 * nominal.fy):
        return T, camera
    return exp_se3(d[:6]) @ T, replace(camera, fx=fx, fy=fy, cx=cx, cy=cy)
