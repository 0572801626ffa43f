# mypy: allow-untyped-defs, no-check-untyped-defs
"""The previous depth picture seen from the present camera, in fixed point: what the decoder must repeat exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d.types import PinholeCamera

# Fractions: 16 bits for pixels and depths, 24 bits for rotations.
_ONE = 1 << 16
_ROTATION_ONE = 1 << 24
ROTATION_LIMIT = 1 << 25
TRANSLATION_LIMIT = 1 << 34
FOCAL_LIMIT = 1 << 31


@dataclass(frozen=True)
class FixedCamera:
    """Intrinsics in 1/65536 pixel; `fx` and `fy` at least one pixel."""

    fx: int
    fy: int
    cx: int
    cy: int

    @staticmethod
    def of(camera: PinholeCamera) -> FixedCamera:
        """Round a camera (its distortion is ignored: the warp is a context, not a prediction)."""
        values = [round(v * _ONE) for v in (camera.fx, camera.fy, camera.cx, camera.cy)]
        fx, fy = (min(max(v, _ONE), FOCAL_LIMIT) for v in values[:2])
        cx, cy = (min(max(v, -FOCAL_LIMIT), FOCAL_LIMIT) for v in values[2:])
        return FixedCamera(fx, fy, cx, cy)


def fixed_motion(T_now_before: NDArray[np.float64], steps_per_metre: float) -> NDArray[np.int64]:
    """[3, 4] rotation in 1/2^24 and translation in 1/65536 depth steps, clipped to what the format holds."""
    motion = np.zeros((3, 4), np.int64)
    motion[:, :3] = np.clip(np.rint(T_now_before[:3, :3] * _ROTATION_ONE), -ROTATION_LIMIT, ROTATION_LIMIT)
    shift = np.rint(T_now_before[:3, 3] * steps_per_metre * _ONE)
    motion[:, 3] = np.clip(shift, -TRANSLATION_LIMIT, TRANSLATION_LIMIT)
    return motion


def splat(depth: NDArray[np.int64], camera: FixedCamera, motion: NDArray[np.int64]) -> NDArray[np.int64]:
    """[H, W] depth of the nearest point that falls on each pixel after the motion; 0 = none."""
    out = np.zeros_like(depth)
    _splat(depth, camera.fx, camera.fy, camera.cx, camera.cy, motion, out)
    return out


@njit(cache=True, nogil=True)
def _splat(depth, fx, fy, cx, cy, motion, out):
    height, width = depth.shape
    for y in range(height):
        ray_y = (((y << 16) - cy) << 16) // fy
        for x in range(width):
            d = depth[y, x]
            if d == 0:
                continue
            X, Y, Z = d * ((((x << 16) - cx) << 16) // fx), d * ray_y, d << 16
            # A ray far outside any sensible picture would overflow 64 bits.
            if abs(X) >= 1 << 36 or abs(Y) >= 1 << 36:
                continue
            x2 = ((motion[0, 0] * X + motion[0, 1] * Y + motion[0, 2] * Z) >> 24) + motion[0, 3]
            y2 = ((motion[1, 0] * X + motion[1, 1] * Y + motion[1, 2] * Z) >> 24) + motion[1, 3]
            z2 = ((motion[2, 0] * X + motion[2, 1] * Y + motion[2, 2] * Z) >> 24) + motion[2, 3]
            if z2 < 1 << 15 or abs(x2) > z2 << 4 or abs(y2) > z2 << 4:
                continue
            # |x2 / z2| <= 16: divide first into a 20-bit fraction, then scale by the focal length.
            u = ((((x2 << 20) // z2) * fx >> 20) + cx + (1 << 15)) >> 16
            v = ((((y2 << 20) // z2) * fy >> 20) + cy + (1 << 15)) >> 16
            if 0 <= u < width and 0 <= v < height:
                near = min((z2 + (1 << 15)) >> 16, 65535)
                if out[v, u] == 0 or near < out[v, u]:
                    out[v, u] = near
