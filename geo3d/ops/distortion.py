"""Brown-Conrady lens distortion on normalised image coordinates, and its inverse.

Brown 1966, Conrady 1919, in OpenCV's form with a rational radial part:
    x_d = x s + 2 p1 x y + p2 (r² + 2 x²)
    y_d = y s + p1 (r² + 2 y²) + 2 p2 x y,      s = (1 + k1 r² + k2 r⁴ + k3 r⁶) / (1 + k4 r² + k5 r⁴ + k6 r⁶)
"""

from __future__ import annotations

import contextlib
import math
from typing import Any

import numpy as np

from geo3d.ops._arrays import is_tensor, namespace

TOLERANCE = 1e-9  # normalised units: a millionth of a pixel
_ITERATIONS = 30


def _coefficients(distortion: tuple[float, ...]) -> tuple[float, ...]:
    return (*distortion, *(0.0,) * (8 - len(distortion)))


def distort(x: Any, y: Any, distortion: tuple[float, ...]) -> tuple[Any, Any]:
    """Distorted coordinates of undistorted normalised ones, in closed form."""
    if not distortion:
        return x, y
    k1, k2, p1, p2, k3, k4, k5, k6 = _coefficients(distortion)
    r2 = x * x + y * y
    s = (1 + r2 * (k1 + r2 * (k2 + r2 * k3))) / (1 + r2 * (k4 + r2 * (k5 + r2 * k6)))
    xy = x * y
    return x * s + 2 * p1 * xy + p2 * (r2 + 2 * x * x), y * s + p1 * (r2 + 2 * y * y) + 2 * p2 * xy


def _jacobian(x: Any, y: Any, distortion: tuple[float, ...]) -> tuple[Any, Any, Any, Any]:
    k1, k2, p1, p2, k3, k4, k5, k6 = _coefficients(distortion)
    r2 = x * x + y * y
    num, den = 1 + r2 * (k1 + r2 * (k2 + r2 * k3)), 1 + r2 * (k4 + r2 * (k5 + r2 * k6))
    d_num, d_den = k1 + r2 * (2 * k2 + r2 * 3 * k3), k4 + r2 * (2 * k5 + r2 * 3 * k6)
    s, ds = num / den, (d_num * den - num * d_den) / (den * den)  # ds = d s / d r²
    a = s + 2 * x * x * ds + 2 * p1 * y + 6 * p2 * x
    b = 2 * x * y * ds + 2 * p1 * x + 2 * p2 * y
    d = s + 2 * y * y * ds + 6 * p1 * y + 2 * p2 * x
    return a, b, b, d


def radius_limit(distortion: tuple[float, ...]) -> float:
    """The largest undistorted radius up to which the radial part is one-to-one (infinite if always).

    Beyond it the polynomial folds back, and points far outside the field of view would land inside the image.
    """
    if not distortion:
        return math.inf
    k1, k2, _, _, k3, k4, k5, k6 = _coefficients(distortion)
    r = np.linspace(0, 20, 20001)[1:]
    r2 = r * r
    den = 1 + r2 * (k4 + r2 * (k5 + r2 * k6))
    f = r * (1 + r2 * (k1 + r2 * (k2 + r2 * k3))) / np.where(den == 0, np.nan, den)
    falls = (np.diff(f, prepend=0.0) <= 0) | ~np.isfinite(f) | (den <= 0)
    return float(r[max(int(np.argmax(falls)) - 1, 0)]) if falls.any() else math.inf


def undistort_normalised(x_d: Any, y_d: Any, distortion: tuple[float, ...]) -> tuple[Any, Any, Any]:
    """Undistorted (x, y) and a mask of where Newton's iteration reached 1e-9 on the one-to-one branch.

    Float64 in, float64 out.  Tensors get exact first derivatives by the implicit function theorem: the iteration
    runs without gradient, and one last step carries it.
    """
    xp = namespace(x_d, y_d)
    if not distortion:
        return x_d, y_d, xp.isfinite(x_d) & xp.isfinite(y_d)
    no_grad = xp.no_grad() if is_tensor(x_d) else contextlib.nullcontext()
    with no_grad, np.errstate(all="ignore"):
        x, y = x_d * 1.0, y_d * 1.0
        for _ in range(_ITERATIONS):
            step_x, step_y = _newton_step(x, y, x_d, y_d, distortion)
            # A step is never longer than 0.2: the rational model has poles that a full step can jump across.
            shrink = 0.2 / xp.clip(xp.sqrt(step_x * step_x + step_y * step_y), 0.2, None)
            x, y = x - step_x * shrink, y - step_y * shrink
            if not bool((xp.abs(step_x) + xp.abs(step_y) > TOLERANCE * 1e-3).any()):
                break
        e_x, e_y = distort(x, y, distortion)
        a, b, c, d = _jacobian(x, y, distortion)
        good = (xp.abs(e_x - x_d) < TOLERANCE) & (xp.abs(e_y - y_d) < TOLERANCE) & (a * d - b * c > 0)
        good &= x * x + y * y <= radius_limit(distortion) ** 2
        x, y = xp.where(good, x, xp.zeros_like(x)), xp.where(good, y, xp.zeros_like(y))
    if is_tensor(x_d) and (x_d.requires_grad or y_d.requires_grad):
        step_x, step_y = _newton_step(x, y, x_d, y_d, distortion)
        x, y = xp.where(good, x - step_x, x), xp.where(good, y - step_y, y)
    return x, y, good


def _newton_step(x: Any, y: Any, x_d: Any, y_d: Any, distortion: tuple[float, ...]) -> tuple[Any, Any]:
    e_x, e_y = distort(x, y, distortion)
    e_x, e_y = e_x - x_d, e_y - y_d
    a, b, c, d = _jacobian(x, y, distortion)
    det = a * d - b * c
    return (d * e_x - b * e_y) / det, (a * e_y - c * e_x) / det
