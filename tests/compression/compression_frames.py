"""Depth frames made here, and their voxels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def depth_picture(width: int = 320, height: int = 240, steps: float = 0.0) -> NDArray[np.float64]:
    """[H, W] metres: a floor, a wall with a ball before it, holes; `steps` of disparity quantise it."""
    v, u = np.mgrid[:height, :width]
    x, y = (u - width / 2) / width, (v - height / 2) / height
    depth = 1.6 + 0.25 * x + 0.1 * np.sin(7 * y)
    floor = 0.55 / np.maximum(y + 0.05, 0.05)
    depth = np.minimum(depth, floor)
    ball = (x - 0.1) ** 2 + (y + 0.1) ** 2
    depth = np.where(ball < 0.03, 1.25 - np.sqrt(np.maximum(0.03 - ball, 0)), depth)
    if steps:
        depth = 1 / (np.round(1 / depth / steps) * steps)
    depth[np.random.default_rng(0).random(depth.shape) < 0.01] = 0
    return depth


def frame_points(depth: NDArray[np.float64], focal: float) -> NDArray[np.float64]:
    """[N, 3] in the camera's frame: x right, y down, z forward."""
    v, u = np.nonzero(depth > 0)
    z = depth[v, u]
    height, width = depth.shape
    return np.stack([(u - (width - 1) / 2) / focal * z, (v - (height - 1) / 2) / focal * z, z], axis=1)


def sorted_voxels(points: NDArray[np.float64], cell: float) -> tuple[NDArray[np.int64], int, NDArray[np.float64]]:
    """Unique voxels from 0 on in Morton order, their depth, and the camera's place among them."""
    from geo3d.ops.morton import morton_decode, morton_encode

    voxels = np.unique(np.rint(points / cell).astype(np.int64), axis=0)
    low = voxels.min(axis=0)
    voxels = morton_decode(np.sort(morton_encode(voxels - low)))
    return voxels, int(voxels.max()).bit_length(), -low.astype(np.float64)
