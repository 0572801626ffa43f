"""The inner loops: discs, triangles and line segments into a depth and a colour buffer.

All coordinates are in the camera frame (x right, y down, z forward).  A pixel (u, v) shows z = depth[v, u], `inf`
where nothing was drawn.  One thread, fixed order: a picture never depends on scheduling.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Float = NDArray[np.float32]
Bytes = NDArray[np.uint8]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def draw_points(
    xyz: Float,  # [N, 3] world
    rgb: Bytes,  # [N, 3]
    R: Float,  # [3, 3] world to camera
    t: Float,  # [3]
    focal: float,
    diameter: float,  # metres
    least: float,  # pixels
    most: float,  # pixels
    near: float,
    depth: Float,  # [H, W]
    color: Bytes,  # [H, W, 3]
) -> None:
    height, width = depth.shape
    cx, cy = 0.5 * (width - 1), 0.5 * (height - 1)
    for i in range(len(xyz)):
        x, y, z = xyz[i, 0], xyz[i, 1], xyz[i, 2]
        zc = R[2, 0] * x + R[2, 1] * y + R[2, 2] * z + t[2]
        if not (zc > near and zc < np.inf):
            continue
        scale = focal / zc
        u = (R[0, 0] * x + R[0, 1] * y + R[0, 2] * z + t[0]) * scale + cx
        v = (R[1, 0] * x + R[1, 1] * y + R[1, 2] * z + t[1]) * scale + cy
        r = 0.5 * min(max(diameter * scale, least), most)
        if not (u > -r and u < width - 1 + r and v > -r and v < height - 1 + r):
            continue
        zf = np.float32(zc)
        red, green, blue = rgb[i, 0], rgb[i, 1], rgb[i, 2]
        for row in range(max(0, int(np.ceil(v - r))), min(height - 1, int(np.floor(v + r))) + 1):
            half = np.sqrt(max(r * r - (row - v) * (row - v), 0.0))
            for col in range(max(0, int(np.ceil(u - half))), min(width - 1, int(np.floor(u + half))) + 1):
                if zf < depth[row, col]:
                    depth[row, col] = zf
                    color[row, col, 0] = red
                    color[row, col, 1] = green
                    color[row, col, 2] = blue


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def draw_triangles(
    corners: Float,  # [F, 3, 3] camera frame, all in front of the near plane
    rgb: Float,  # [F, 3, 3] colour of each corner, 0..255
    keep: NDArray[np.bool_],  # [F]
    focal: float,
    depth: Float,
    color: Bytes,
) -> None:
    height, width = depth.shape
    cx, cy = 0.5 * (width - 1), 0.5 * (height - 1)
    for f in range(len(corners)):
        if not keep[f]:
            continue
        wa, wb, wc = 1.0 / corners[f, 0, 2], 1.0 / corners[f, 1, 2], 1.0 / corners[f, 2, 2]
        ua, va = corners[f, 0, 0] * focal * wa + cx, corners[f, 0, 1] * focal * wa + cy
        ub, vb = corners[f, 1, 0] * focal * wb + cx, corners[f, 1, 1] * focal * wb + cy
        uc, vc = corners[f, 2, 0] * focal * wc + cx, corners[f, 2, 1] * focal * wc + cy
        area = (ub - ua) * (vc - va) - (uc - ua) * (vb - va)
        if area == 0.0 or not np.isfinite(area):
            continue
        top = max(0.0, np.ceil(min(va, vb, vc)))
        bottom = min(height - 1.0, np.floor(max(va, vb, vc)))
        left = max(0.0, np.ceil(min(ua, ub, uc)))
        right = min(width - 1.0, np.floor(max(ua, ub, uc)))
        if top > bottom or left > right:
            continue
        for row in range(int(top), int(bottom) + 1):
            for col in range(int(left), int(right) + 1):
                # Barycentric coordinates on screen; dividing by depth makes them those on the triangle.
                a = ((ub - col) * (vc - row) - (uc - col) * (vb - row)) / area
                b = ((uc - col) * (va - row) - (ua - col) * (vc - row)) / area
                c = 1.0 - a - b
                if a < 0.0 or b < 0.0 or c < 0.0:
                    continue
                w = a * wa + b * wb + c * wc
                z = np.float32(1.0 / w)
                if z < depth[row, col]:
                    depth[row, col] = z
                    for k in range(3):
                        value = (a * wa * rgb[f, 0, k] + b * wb * rgb[f, 1, k] + c * wc * rgb[f, 2, k]) / w
                        color[row, col, k] = np.uint8(min(max(value + 0.5, 0.0), 255.0))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def draw_segments(
    segments: Float,  # [M, 2, 3] camera frame, all in front of the near plane
    rgb: Bytes,  # [M, 3]
    focal: float,
    line_width: float,  # pixels
    depth: Float,
    color: Bytes,
) -> None:
    height, width = depth.shape
    cx, cy = 0.5 * (width - 1), 0.5 * (height - 1)
    half = max(0.5 * line_width, 0.5)
    for i in range(len(segments)):
        wa, wb = 1.0 / segments[i, 0, 2], 1.0 / segments[i, 1, 2]
        ua, va = segments[i, 0, 0] * focal * wa + cx, segments[i, 0, 1] * focal * wa + cy
        ub, vb = segments[i, 1, 0] * focal * wb + cx, segments[i, 1, 1] * focal * wb + cy
        # Liang-Barsky: the part of the line that is on screen.
        first, last = 0.0, 1.0
        for delta, start, limit in ((ub - ua, ua, width + half), (vb - va, va, height + half)):
            for side in range(2):
                p = delta if side else -delta
                q = limit - start if side else start + half
                if p == 0.0:
                    if q < 0.0:
                        last = -1.0
                elif p < 0.0:
                    first = max(first, q / p)
                else:
                    last = min(last, q / p)
        if not first <= last:
            continue
        length = max(abs(ub - ua), abs(vb - va)) * (last - first)
        steps = int(length) + 1
        for s in range(steps + 1):
            a = first + (last - first) * s / steps
            u, v, w = ua + a * (ub - ua), va + a * (vb - va), wa + a * (wb - wa)
            # A line on a surface is drawn, not stitched: it is let through from half a per cent behind.
            z = np.float32(0.995 / w)
            for row in range(max(0, int(np.ceil(v - half))), min(height - 1, int(np.floor(v + half))) + 1):
                for col in range(max(0, int(np.ceil(u - half))), min(width - 1, int(np.floor(u + half))) + 1):
                    if z < depth[row, col]:
                        depth[row, col] = z
                        for k in range(3):
                            color[row, col, k] = rgb[i, k]
