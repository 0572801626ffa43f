"""Square patches of a frame's image cut on the tangent plane of each point, in metric size: scale and slant cancel."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d.registration.dense.maps import Level

SIZE = 16
# Distance between two samples, voxels: a patch is 8 voxels wide.
STEP = 0.5
CHROMA_GAIN = 3.0


def cut_patches(
    level: Level, points: NDArray[np.float64], normals: NDArray[np.float64], voxel: float, roll: float = 0.0
) -> NDArray[np.float32]:
    """[N, 6, 16, 16] of tone, grey, two chroma channels, height over the plane in voxels (-1 to 1), and what is known.

    Parameters
    ----------
    points, normals : [N, 3] in the camera's frame.
    roll : radians to turn all patches in their planes (training).
    """
    c = level.camera
    out = np.zeros((len(points), 6, SIZE, SIZE), np.float32)
    _cut(
        level.depth, level.tone, level.grey, level.chroma,
        np.ascontiguousarray(points, np.float64), np.ascontiguousarray(normals, np.float64),
        c.fx, c.fy, c.cx, c.cy, voxel * STEP, voxel, np.sin(roll), np.cos(roll), out, np.zeros((2, 3)),
    )  # fmt: skip
    return out


# fmt: off
@njit(cache=True, nogil=True, error_model="numpy")
def _cut(  # type: ignore[no-untyped-def]
    depth, tone, grey, chroma, points, normals, fx, fy, cx, cy, step, voxel, sine, cosine, out, axes
):
    # fmt: on
    """See `cut_patches`; the patch's down is the image's down laid into the plane (its depth axis on floors).

    axes [2, 3]: scratch for down and side.
    """
    h, w = depth.shape
    for k in range(points.shape[0]):
        n0, n1, n2 = normals[k, 0], normals[k, 1], normals[k, 2]
        axis = 1 if abs(n1) < 0.9 else 2
        length = 0.0
        for i in range(3):
            axes[0, i] = (1.0 if i == axis else 0.0) - normals[k, axis] * normals[k, i]
            length += axes[0, i] ** 2
        length = np.sqrt(length)
        if length < 1e-6:
            continue
        d0, d1, d2 = axes[0, 0] / length, axes[0, 1] / length, axes[0, 2] / length
        axes[0, 0], axes[0, 1], axes[0, 2] = d0, d1, d2
        axes[1, 0], axes[1, 1], axes[1, 2] = d1 * n2 - d2 * n1, d2 * n0 - d0 * n2, d0 * n1 - d1 * n0
        for i in range(SIZE):
            for j in range(SIZE):
                s = (i - 0.5 * (SIZE - 1)) * step
                r = (j - 0.5 * (SIZE - 1)) * step
                a, b = cosine * s - sine * r, sine * s + cosine * r
                X = points[k, 0] + a * axes[0, 0] + b * axes[1, 0]
                Y = points[k, 1] + a * axes[0, 1] + b * axes[1, 1]
                Z = points[k, 2] + a * axes[0, 2] + b * axes[1, 2]
                if Z < 0.05:
                    continue
                fu, fv = fx * X / Z + cx, fy * Y / Z + cy
                u, v = int(np.floor(fu)), int(np.floor(fv))
                if u < 0 or v < 0 or u >= w - 1 or v >= h - 1:
                    continue
                e, f = fu - u, fv - v
                for q in range(4):
                    y, x = v + q // 2, u + q % 2
                    weight = (e if q % 2 else 1 - e) * (f if q // 2 else 1 - f)
                    out[k, 0, i, j] += weight * tone[y, x]
                    out[k, 1, i, j] += weight * grey[y, x]
                    out[k, 2, i, j] += weight * CHROMA_GAIN * chroma[y, x, 0]
                    out[k, 3, i, j] += weight * CHROMA_GAIN * chroma[y, x, 1]
                d = depth[int(np.floor(fv + 0.5)), int(np.floor(fu + 0.5))]
                if d > 0:
                    # Where the ray through this sample really ends, above the plane.
                    t = (d / Z - 1) * (n0 * X + n1 * Y + n2 * Z)
                    out[k, 4, i, j] = min(max(t / (2 * voxel), -1.0), 1.0)
                    out[k, 5, i, j] = 1.0
