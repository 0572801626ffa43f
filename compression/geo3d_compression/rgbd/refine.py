# mypy: allow-untyped-defs, no-check-untyped-defs
"""The relative pose of two colour frames from their brightness (encoder only; the result is stored).

Dense alignment (C. Kerl, J. Sturm, D. Cremers, "Robust odometry estimation for RGB-D cameras", ICRA 2013): Gauss-Newton
on pose, gain and bias over an image pyramid, with Huber weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

_LEVELS = 3
_HUBER = 6.0


@dataclass(frozen=True, eq=False)
class Alignment:
    """T_there_here [4, 4], exposure of `here` = gain * there + bias, and the mean robust error in grey levels."""

    T_there_here: NDArray[np.float64]
    gain: float
    bias: float
    error: float


def pyramid(luma: NDArray[np.float32], levels: int = _LEVELS) -> list[NDArray[np.float32]]:
    """The picture and its halvings by 2x2 means."""
    result = [luma]
    for _ in range(levels - 1):
        p = result[-1]
        h, w = p.shape[0] // 2 * 2, p.shape[1] // 2 * 2
        p = p[:h, :w]
        result.append(((p[::2, ::2] + p[1::2, ::2] + p[::2, 1::2] + p[1::2, 1::2]) / 4).astype(np.float32))
    return result


def align(
    here: list[NDArray[np.float32]],
    there: list[NDArray[np.float32]],
    z_here: NDArray[np.float64],
    camera: tuple[float, float, float, float],
    start: NDArray[np.float64],
    levels: int = _LEVELS,
    iterations: int = 8,
    finest: int = 0,
) -> Alignment:
    """Refine T_there_here from `start`."""
    T, gain, bias, error = start.copy(), 1.0, 0.0, np.inf
    for level in range(min(levels, len(here)) - 1, finest - 1, -1):
        s = 2.0**level
        k = np.array([camera[0] / s, camera[1] / s, (camera[2] + 0.5) / s - 0.5, (camera[3] + 0.5) / s - 0.5])
        stride = 2 if level == 0 else 1
        z = z_here[(1 << level) // 2 :: 1 << level, (1 << level) // 2 :: 1 << level]
        z = np.ascontiguousarray(z[: here[level].shape[0], : here[level].shape[1]])
        for _ in range(iterations):
            H, g, total, count = _normal_equations(here[level], there[level], z, k, T[:3], gain, bias, stride)
            if count < 200:
                break
            error = total / count
            step = np.linalg.solve(H + 1e-6 * np.diag(np.diag(H)) + 1e-9 * np.eye(8), -g)
            if not np.isfinite(step).all():
                break
            T = _exponential(step[:6]) @ T
            gain, bias = gain + step[6], bias + step[7]
            if np.abs(step[:3]).max() < 1e-5 and np.abs(step[3:6]).max() < 1e-5:
                break
    if not (0.5 < gain < 2.0 and abs(bias) < 64):
        gain, bias = 1.0, 0.0
    return Alignment(T, float(gain), float(bias), float(error))


def _exponential(twist: NDArray[np.float64]) -> NDArray[np.float64]:
    """A small motion: translation, then rotation vector."""
    w = twist[3:]
    angle = float(np.linalg.norm(w))
    K = np.array([[0, -w[2], w[1]], [w[2], 0, -w[0]], [-w[1], w[0], 0]])
    T = np.eye(4)
    if angle > 1e-12:
        T[:3, :3] += np.sin(angle) / angle * K + (1 - np.cos(angle)) / angle**2 * (K @ K)
    T[:3, 3] = twist[:3]
    return T


@njit(cache=True, nogil=True)
def _normal_equations(here, there, z_here, k, m, gain, bias, stride):
    """J^T J, J^T r of r = here - gain * there(w(x)) - bias over [translation, rotation, gain, bias]."""
    H = np.zeros((8, 8))
    g = np.zeros(8)
    J = np.zeros(8)
    total, count = 0.0, 0
    height, width = there.shape
    for i in range(0, z_here.shape[0], stride):
        for j in range(0, z_here.shape[1], stride):
            z = z_here[i, j]
            if z <= 0.0:
                continue
            x = (j - k[2]) / k[0] * z
            y = (i - k[3]) / k[1] * z
            X = m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3]
            Y = m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + m[1, 3]
            Z = m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + m[2, 3]
            if Z < 0.05:
                continue
            u = X / Z * k[0] + k[2]
            v = Y / Z * k[1] + k[3]
            u0, v0 = int(np.floor(u)), int(np.floor(v))
            if u0 < 1 or v0 < 1 or u0 >= width - 2 or v0 >= height - 2:
                continue
            a, b = u - u0, v - v0
            p00, p01 = there[v0, u0], there[v0, u0 + 1]
            p10, p11 = there[v0 + 1, u0], there[v0 + 1, u0 + 1]
            value = (1 - b) * ((1 - a) * p00 + a * p01) + b * ((1 - a) * p10 + a * p11)
            gx = (1 - b) * (p01 - p00) + b * (p11 - p10)
            gy = (1 - a) * (p10 - p00) + a * (p11 - p01)
            r = here[i, j] - gain * value - bias
            size = abs(r)
            w = 1.0 if size < _HUBER else _HUBER / size
            # Far outliers (occlusion, wrong depth) say nothing about the pose.
            if size > 40.0:
                total += 20.0
                count += 1
                continue
            total += min(size, 20.0)
            count += 1
            dx, dy = -gain * gx * k[0] / Z, -gain * gy * k[1] / Z
            dz = -(dx * X + dy * Y) / Z
            J[0], J[1], J[2] = dx, dy, dz
            J[3] = dz * Y - dy * Z
            J[4] = dx * Z - dz * X
            J[5] = dy * X - dx * Y
            J[6], J[7] = -value, -1.0
            for p in range(8):
                g[p] += w * J[p] * r
                for q in range(p, 8):
                    H[p, q] += w * J[p] * J[q]
    for p in range(8):
        for q in range(p):
            H[p, q] = H[q, p]
    return H, g, total, count
