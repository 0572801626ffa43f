"""Discs by NumPy alone: the pixels of `kernels.draw_points`, without the second that Numba's import takes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
Bytes = NDArray[np.uint8]

# Beyond so many pixels of all discs together compiled code is sooner done, its import included.
MOST_VISITS = 50_000_000
_MOST_POINTS = 4_000_000
_LAYERS = 4
_BLOCK = 16


def draw_discs(
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
) -> bool:
    """Draw as `draw_points` does, to the last bit; or draw nothing and return False where that takes long."""
    if len(xyz) > _MOST_POINTS:
        return False
    height, width = depth.shape
    z, u, v, r, index = _projected(xyz, R, t, focal, diameter, least, most, near, height, width)
    if float(((2 * r + 1) ** 2).sum()) > MOST_VISITS:
        return False
    # Ranks: nearest first, of equal ones the first in the cloud.
    order = np.argsort(z, kind="stable")
    z, u, v, r, index = z[order], u[order], v[order], r[order], index[order]
    front = np.full(height * width, len(z), np.int32)
    bounds = np.linspace(0, len(z), _LAYERS + 1).astype(int)
    for first, last in pairwise(bounds):
        ranks = np.arange(last - 1, first - 1, -1, dtype=np.int32)
        if first:
            ranks = ranks[_may_show(front.reshape(height, width), u[ranks], v[ranks], r[ranks], len(z))]
        _put(front, width, height, ranks, u[ranks], v[ranks], r[ranks])
    at = np.flatnonzero(front < len(z))
    rank = front[at]
    seen = z[rank] < depth.ravel()[at]
    at, rank = at[seen], rank[seen]
    depth.reshape(-1)[at] = z[rank]
    color.reshape(-1, 3)[at] = rgb[index[rank]]
    return True


def _projected(
    xyz: Float, R: Float, t: Float, focal: float, diameter: float, least: float, most: float, near: float,
    height: int, width: int,
) -> tuple[Float, NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:  # fmt: skip
    """Depth, place and radius in pixels of the points that may be in the picture, and which those are."""
    cx, cy = 0.5 * (width - 1), 0.5 * (height - 1)
    x, y, z = (np.ascontiguousarray(xyz[:, k]) for k in range(3))
    with np.errstate(all="ignore"):
        along = [R[k, 0] * x + R[k, 1] * y + R[k, 2] * z + t[k] for k in range(3)]
        index = np.flatnonzero((along[2].astype(np.float64) > near) & (along[2] < np.inf))
        along = [a[index] for a in along]
        scale = focal / along[2].astype(np.float64)
        u, v = along[0] * scale + cx, along[1] * scale + cy
        r = 0.5 * np.minimum(np.maximum(diameter * scale, least), most)
        inside = np.flatnonzero((u > -r) & (u < width - 1 + r) & (v > -r) & (v < height - 1 + r))
    return along[2][inside], u[inside], v[inside], r[inside], index[inside]


def _may_show(
    front: NDArray[np.int32], u: NDArray[np.float64], v: NDArray[np.float64], r: NDArray[np.float64], none: int
) -> NDArray[np.bool_]:
    """Which discs are not hidden for sure: some block of pixels that they may touch is not full of nearer ones."""
    height, width = front.shape
    rows, columns = -(-height // _BLOCK), -(-width // _BLOCK)
    padded = np.full((rows * _BLOCK, columns * _BLOCK), -1, np.int32)
    padded[:height, :width] = front
    is_open = padded.reshape(rows, _BLOCK, columns, _BLOCK).max(axis=(1, 3)) == none
    total = np.zeros((rows + 1, columns + 1), np.int64)
    total[1:, 1:] = is_open.cumsum(axis=0).cumsum(axis=1)
    top, bottom = (np.clip((v + s * r) // _BLOCK, 0, rows - 1).astype(np.int64) for s in (-1, 1))
    left, right = (np.clip((u + s * r) // _BLOCK, 0, columns - 1).astype(np.int64) for s in (-1, 1))
    bottom, right = bottom + 1, right + 1
    return np.asarray(total[bottom, right] - total[top, right] - total[bottom, left] + total[top, left] > 0)


def _put(
    front: NDArray[np.int32], width: int, height: int, ranks: NDArray[np.int32], u: NDArray[np.float64],
    v: NDArray[np.float64], r: NDArray[np.float64],
) -> None:  # fmt: skip
    """Take down in `front` [H * W] the least rank of the discs on each pixel; ranks fall."""
    top = np.maximum(0, np.ceil(v - r)).astype(np.int64)
    bottom = np.minimum(height - 1, np.floor(v + r)).astype(np.int64)
    for down in range(int((bottom - top).max(initial=-1)) + 1):
        k = np.flatnonzero(top + down <= bottom)
        row = top[k] + down
        half = np.sqrt(np.maximum(r[k] * r[k] - (row - v[k]) * (row - v[k]), 0.0))
        left = np.maximum(0, np.ceil(u[k] - half)).astype(np.int64)
        over = np.minimum(width - 1, np.floor(u[k] + half)).astype(np.int64) - left
        pixel, rank = row * width + left, ranks[k]
        for right in range(int(over.max(initial=-1)) + 1):
            reached = over >= right
            if not reached.all():
                pixel, rank, over = pixel[reached], rank[reached], over[reached]
            at = pixel + right
            nearer = np.flatnonzero(rank < front[at])
            # Of several of this round on a pixel the last stays, which is the nearest.
            front[at[nearer]] = rank[nearer]
