"""The inner loop for triangles whose colours come from a picture."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d_viewer.texture import reduced

Float = NDArray[np.float32]
Bytes = NDArray[np.uint8]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def draw_textured(
    corners: Float,  # [F, 3, 3] camera frame, all in front of the near plane
    uvs: Float,  # [F, 3, 3] u, v and brightness of each corner
    keep: NDArray[np.bool_],  # [F]
    image: Bytes,  # [h, w, 3], v = 0 at its lower edge
    focal: float,
    depth: Float,
    color: Bytes,
) -> None:
    height, width = depth.shape
    rows, columns = image.shape[:2]
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
                a = ((ub - col) * (vc - row) - (uc - col) * (vb - row)) / area
                b = ((uc - col) * (va - row) - (ua - col) * (vc - row)) / area
                c = 1.0 - a - b
                if a < 0.0 or b < 0.0 or c < 0.0:
                    continue
                w = a * wa + b * wb + c * wc
                z = np.float32(1.0 / w)
                if z >= depth[row, col]:
                    continue
                depth[row, col] = z
                u = (a * wa * uvs[f, 0, 0] + b * wb * uvs[f, 1, 0] + c * wc * uvs[f, 2, 0]) / w
                v = (a * wa * uvs[f, 0, 1] + b * wb * uvs[f, 1, 1] + c * wc * uvs[f, 2, 1]) / w
                light = (a * wa * uvs[f, 0, 2] + b * wb * uvs[f, 1, 2] + c * wc * uvs[f, 2, 2]) / w
                x = (u - np.floor(u)) * columns - 0.5
                y = (1.0 - (v - np.floor(v))) * rows - 0.5
                x0, y0 = np.floor(x), np.floor(y)
                fx, fy = x - x0, y - y0
                i0, i1 = int(y0) % rows, (int(y0) + 1) % rows
                j0, j1 = int(x0) % columns, (int(x0) + 1) % columns
                for k in range(3):
                    upper = image[i0, j0, k] * (1 - fx) + image[i0, j1, k] * fx
                    lower = image[i1, j0, k] * (1 - fx) + image[i1, j1, k] * fx
                    value = (upper * (1 - fy) + lower * fy) * light
                    color[row, col, k] = np.uint8(min(max(value + 0.5, 0.0), 255.0))


def fitted_image(image: Bytes, corners: Float, uvs: Float, focal: float) -> Bytes:
    """The picture, made smaller where most of its pixels would fall between those of the screen."""
    p = corners[:, :, :2] * (focal / corners[:, :, 2:])
    on_screen = _area(p[:, 0], p[:, 1], p[:, 2])
    t = uvs[:, :, :2] * np.array([image.shape[1], image.shape[0]], dtype=np.float32)
    on_image = _area(t[:, 0], t[:, 1], t[:, 2])
    seen = (on_screen > 0) & (on_image > 0)
    if not seen.any():
        return image
    return reduced(image, float(np.sqrt(np.median(on_image[seen] / on_screen[seen]))))


def _area(a: Float, b: Float, c: Float) -> Float:
    u, v = b - a, c - a
    return np.asarray(np.abs(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]), dtype=np.float32)
