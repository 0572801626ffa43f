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
    return cut(
        level.depth, level.tone, level.grey, level.chroma,
        np.ascontiguousarray(points, np.float64), np.ascontiguousarray(normals, np.float64),
        c.fx, c.fy, c.cx, c.cy, voxel * STEP, voxel, np.sin(roll), np.cos(roll),
    )  # fmt: skip


@njit(cache=True, nogil=True)
def cut(depth, tone, grey, chroma, points, normals, fx, fy, cx, cy, step, voxel, sine, cosine):  # type: ignore[no-untyped-def]
    """See `cut_patches`; the patch's down is the image's down laid into the plane (its depth axis on floors)."""
    h, w = depth.shape
    out = np.zeros((len(points), 6, SIZE, SIZE), np.float32)
    down = np.zeros(3)
    side = np.zeros(3)
    for k in range(len(points)):
        n, p = normals[k], points[k]
        axis = 1 if abs(n[1]) < 0.9 else 2
        for i in range(3):
            down[i] = (1.0 if i == axis else 0.0) - n[axis] * n[i]
        length = np.sqrt(down[0] ** 2 + down[1] ** 2 + down[2] ** 2)
        if length < 1e-6:
            continue
        down /= length
        side[0] = down[1] * n[2] - down[2] * n[1]
        side[1] = down[2] * n[0] - down[0] * n[2]
        side[2] = down[0] * n[1] - down[1] * n[0]
        for i in range(SIZE):
            for j in range(SIZE):
                s = (i - 0.5 * (SIZE - 1)) * step
                r = (j - 0.5 * (SIZE - 1)) * step
                a, b = cosine * s - sine * r, sine * s + cosine * r
                X = p[0] + a * down[0] + b * side[0]
                Y = p[1] + a * down[1] + b * side[1]
                Z = p[2] + a * down[2] + b * side[2]
                if Z < 0.05:
                    continue
                fu, fv = fx * X / Z + cx, fy * Y / Z + cy
                u, v = int(np.floor(fu)), int(np.floor(fv))
                if u < 0 or v < 0 or u >= w - 1 or v >= h - 1:
                    continue
                e, f = fu - u, fv - v
                weights = ((1 - e) * (1 - f), e * (1 - f), (1 - e) * f, e * f)
                at = ((v, u), (v, u + 1), (v + 1, u), (v + 1, u + 1))
                for q in range(4):
                    y, x = at[q]
                    out[k, 0, i, j] += weights[q] * tone[y, x]
                    out[k, 1, i, j] += weights[q] * grey[y, x]
                    out[k, 2, i, j] += weights[q] * CHROMA_GAIN * chroma[y, x, 0]
                    out[k, 3, i, j] += weights[q] * CHROMA_GAIN * chroma[y, x, 1]
                d = depth[int(np.floor(fv + 0.5)), int(np.floor(fu + 0.5))]
                if d > 0:
                    # Where the ray through this sample really ends, above the plane.
                    t = (d / Z - 1) * (n[0] * X + n[1] * Y + n[2] * Z)
                    out[k, 4, i, j] = min(max(t / (2 * voxel), -1.0), 1.0)
                    out[k, 5, i, j] = 1.0
    return out
