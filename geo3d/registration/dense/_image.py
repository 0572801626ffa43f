"""Image loops of the pyramids: area resampling, depth reduction, normals, back-projection.

Only the normals are compiled: compiling costs a fresh install seconds a loop, and NumPy is quick at the others.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatMap = NDArray[np.float32]


def reduce_depth(depth: FloatMap, factor: int) -> FloatMap:
    """[H, W] -> [H/f, W/f]: mean of each block's nearest surface, so that depths are never mixed over an edge."""
    h, w = depth.shape[0] // factor, depth.shape[1] // factor
    block = [depth[i : h * factor : factor, j : w * factor : factor] for i in range(factor) for j in range(factor)]
    near = np.full((h, w), 1e9, np.float32)
    for d in block:
        near = np.where(d > 0, np.minimum(near, d), near)
    limit = near * np.float32(1.03)
    total, count = np.zeros((h, w), np.float32), np.zeros((h, w), np.int32)
    for d in block:
        on = (d > 0) & (d <= limit)
        total += np.where(on, d, np.float32(0))
        count += on
    known = (near < 1e8) & (2 * count >= factor * factor)
    return np.where(known, total / np.maximum(count, 1), 0).astype(np.float32)


def resample_area(image: NDArray[np.uint8], height: int, width: int) -> FloatMap:
    """[H, W, C] uint8 -> [height, width, C] float32: mean over each output pixel's footprint."""
    H, W, _ = image.shape
    if H % height == 0 and W % width == 0:
        f, g = H // height, W // width
        total = np.zeros((height, width, image.shape[2]), np.uint32)
        for i in range(f):
            for j in range(g):
                total += image[i::f, j::g]
        return (total / (f * g)).astype(np.float32)
    area = np.ones((1, 1), np.int64)
    summed: NDArray[np.uint32] = image.astype(np.uint32)
    for axis, (many, few) in enumerate(((H, height), (W, width))):
        start = np.arange(few) * many // few
        if many < few:
            summed = summed.take(start, axis)
            continue
        summed = np.add.reduceat(summed, start, axis)
        area = area * np.diff(start, append=many).reshape((-1, 1) if axis == 0 else (1, -1))
    return (summed / area[..., None]).astype(np.float32)


def normals_from_depth(depth: FloatMap, fx: float, fy: float, cx: float, cy: float, step: int, gate: float) -> FloatMap:
    """[H, W, 3] unit normals facing the camera, zero where there are none.

    A plane's inverse depth is linear in the pixel coordinates, so each normal is one least-squares fit of
    1/z = a du + b dv + c over a 5x5 window with the given step; samples beyond the relative gate are left out.
    """
    out = np.zeros((*depth.shape, 3), np.float32)
    _fit_normals(depth, fx, fy, cx, cy, step, gate, out)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _fit_normals(depth, fx, fy, cx, cy, step, gate, out):  # type: ignore[no-untyped-def]
    h, w = depth.shape
    for v in range(h):
        for u in range(w):
            z0 = depth[v, u]
            if z0 <= 0:
                continue
            i0 = 1.0 / z0
            n = 0
            su = sv = suu = suv = svv = sq = suq = svq = 0.0
            for i in range(-2, 3):
                vv = v + i * step
                if vv < 0 or vv >= h:
                    continue
                for j in range(-2, 3):
                    uu = u + j * step
                    if uu < 0 or uu >= w:
                        continue
                    d = depth[vv, uu]
                    if d <= 0:
                        continue
                    q = 1.0 / d - i0
                    if abs(q) > gate * i0:
                        continue
                    n += 1
                    x, y = float(j), float(i)
                    su += x
                    sv += y
                    suu += x * x
                    suv += x * y
                    svv += y * y
                    sq += q
                    suq += x * q
                    svq += y * q
            if n < 12:
                continue
            mu, mv, mq = su / n, sv / n, sq / n
            cuu, cuv, cvv = suu / n - mu * mu, suv / n - mu * mv, svv / n - mv * mv
            cuq, cvq = suq / n - mu * mq, svq / n - mv * mq
            det = cuu * cvv - cuv * cuv
            if det < 1e-3:
                continue
            a = (cuq * cvv - cvq * cuv) / det
            b = (cvq * cuu - cuq * cuv) / det
            c = i0 + mq - a * mu - b * mv
            a, b = a / step, b / step
            # n . X = const with X = z ((u-cx)/fx, (v-cy)/fy, 1)  =>  1/z = nx/(c fx) (u-cx) + ...
            nx, ny = a * fx, b * fy
            nz = c - a * (u - cx) - b * (v - cy)
            norm = np.sqrt(nx * nx + ny * ny + nz * nz)
            # Facing the camera: against the ray through this pixel.
            rx, ry = (u - cx) / fx, (v - cy) / fy
            dot = nx * rx + ny * ry + nz
            if norm < 1e-12 or abs(dot) < 0.12 * norm * np.sqrt(rx * rx + ry * ry + 1):
                continue
            if dot > 0:
                norm = -norm
            out[v, u, 0] = nx / norm
            out[v, u, 1] = ny / norm
            out[v, u, 2] = nz / norm


def list_points(
    depth: FloatMap, normals: FloatMap, grey: FloatMap, fx: float, fy: float, cx: float, cy: float
) -> FloatMap:
    """[N, 7] float32 rows (x y z, nx ny nz, grey) of the pixels that have depth and normal, in raster order."""
    v, u = np.nonzero((depth > 0) & (normals[..., 2] != 0))
    z = depth[v, u].astype(np.float64)
    xyz = np.stack([(u - cx) / fx * z, (v - cy) / fy * z, z], axis=1)
    return np.concatenate([xyz, normals[v, u], grey[v, u, None]], axis=1).astype(np.float32)
