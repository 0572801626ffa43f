"""Compiled image loops of the pyramids: area resampling, depth reduction, normals, back-projection."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def reduce_depth(depth, factor):  # type: ignore[no-untyped-def]
    """[H, W] -> [H/f, W/f]: mean of each block's nearest surface, so that depths are never mixed over an edge."""
    h, w = depth.shape[0] // factor, depth.shape[1] // factor
    out = np.zeros((h, w), np.float32)
    for v in range(h):
        for u in range(w):
            near = np.float32(1e9)
            for i in range(factor):
                for j in range(factor):
                    d = depth[v * factor + i, u * factor + j]
                    if 0 < d < near:
                        near = d
            if near > 1e8:
                continue
            limit = near * np.float32(1.03)
            total, count = np.float32(0), 0
            for i in range(factor):
                for j in range(factor):
                    d = depth[v * factor + i, u * factor + j]
                    if 0 < d <= limit:
                        total += d
                        count += 1
            if 2 * count >= factor * factor:
                out[v, u] = total / count
    return out


@njit(cache=True, nogil=True)
def resample_area(image, height, width):  # type: ignore[no-untyped-def]
    """[H, W, C] uint8 -> [height, width, C] float32: mean over each output pixel's footprint."""
    H, W, C = image.shape
    out = np.zeros((height, width, C), np.float32)
    for v in range(height):
        v0 = v * H // height
        v1 = max(v0 + 1, (v + 1) * H // height)
        for u in range(width):
            u0 = u * W // width
            u1 = max(u0 + 1, (u + 1) * W // width)
            for c in range(C):
                total = np.float32(0)
                for i in range(v0, v1):
                    for j in range(u0, u1):
                        total += image[i, j, c]
                out[v, u, c] = total / ((v1 - v0) * (u1 - u0))
    return out


@njit(cache=True, nogil=True)
def normals_from_depth(depth, fx, fy, cx, cy, step, gate):  # type: ignore[no-untyped-def]
    """[H, W, 3] unit normals facing the camera, zero where there are none.

    A plane's inverse depth is linear in the pixel coordinates, so each normal is one least-squares fit of
    1/z = a du + b dv + c over a 5x5 window with the given step; samples beyond the relative gate are left out.
    """
    h, w = depth.shape
    out = np.zeros((h, w, 3), np.float32)
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
    return out


@njit(cache=True, nogil=True)
def list_points(depth, normals, grey, fx, fy, cx, cy):  # type: ignore[no-untyped-def]
    """[N, 7] float32 rows (x y z, nx ny nz, grey) of the pixels that have depth and normal, in raster order."""
    h, w = depth.shape
    n = 0
    for v in range(h):
        for u in range(w):
            if depth[v, u] > 0 and normals[v, u, 2] != 0:
                n += 1
    out = np.zeros((n, 7), np.float32)
    k = 0
    for v in range(h):
        for u in range(w):
            z = depth[v, u]
            if z > 0 and normals[v, u, 2] != 0:
                out[k, 0] = (u - cx) / fx * z
                out[k, 1] = (v - cy) / fy * z
                out[k, 2] = z
                out[k, 3] = normals[v, u, 0]
                out[k, 4] = normals[v, u, 1]
                out[k, 5] = normals[v, u, 2]
                out[k, 6] = grey[v, u]
                k += 1
    return out
