# mypy: allow-untyped-defs, no-check-untyped-defs
"""Which pixel saw which voxel: a picture of planes in which every voxel has a pixel of its own, if there is one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d_compression.pinhole.rays import HALF, PIXEL_BITS, UNIT, Pinhole, narrowed

_MOST = 12
_SWEEPS = 3
_WORK = 256
# Differences in depth beyond eight cells all count the same.
_FAR_OFF = 8 * UNIT


class Sight(NamedTuple):
    """Voxels as the camera sees them."""

    camera: Pinhole
    width: int
    height: int
    voxels: NDArray[np.int64]  # [N, 3] columns' axis, rows' axis, distance of the plane's middle


def candidates(sight: Sight) -> NDArray[np.int64]:
    """[N, 12] pixels y * W + x whose rays pass through each voxel, nearest to its middle first; -1 for none."""
    camera = sight.camera
    across, down = camera.slopes(sight.height, sight.width)
    x0, y0, _ = camera.place
    return _candidates(sight.voxels, across, down, x0, y0, camera.fx, camera.fy, camera.cx, camera.cy)


@njit(cache=True, nogil=True)
def _candidates(voxels, across, down, x0, y0, fx, fy, cx, cy):
    n, width, height = len(voxels), len(across), len(down)
    result = np.full((n, _MOST), -1, np.int64)
    away = np.zeros(_MOST, np.float64)
    for i in range(n):
        d = voxels[i, 2]
        x = voxels[i, 0] * UNIT - x0
        y = voxels[i, 1] * UNIT - y0
        u = (x * fx / d + cx) / (1 << PIXEL_BITS)
        v = (y * fy / d + cy) / (1 << PIXEL_BITS)
        du = fx / (1 << PIXEL_BITS) * HALF * (1 + abs(x) / d) / d + 0.01
        dv = fy / (1 << PIXEL_BITS) * HALF * (1 + abs(y) / d) / d + 0.01
        count = 0
        for q in range(max(int(np.ceil(v - dv)), 0), min(int(np.floor(v + dv)) + 1, height)):
            for p in range(max(int(np.ceil(u - du)), 0), min(int(np.floor(u + du)) + 1, width)):
                low, high = narrowed(across[p], d, x0, -HALF, HALF, voxels[i, 0])
                if low > high:
                    continue
                low, high = narrowed(down[q], d, y0, low, high, voxels[i, 1])
                if low > high:
                    continue
                r = (p - u) ** 2 + (q - v) ** 2
                k = min(count, _MOST - 1)
                if count >= _MOST and r >= away[k]:
                    continue
                while k > 0 and away[k - 1] > r:
                    away[k] = away[k - 1]
                    result[i, k] = result[i, k - 1]
                    k -= 1
                away[k] = r
                result[i, k] = q * width + p
                count = min(count + 1, _MOST)
    return result


def picture(sight: Sight, options: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """[H, W] number of the voxel that each pixel shows, -1 for none, and [N] which voxels are shown.

    As many voxels as possible are shown.  Beyond that, the picture is to be smooth and without holes, which costs less:
    pixels that no voxel needs show one that is as far away as those around.
    """
    pixels = sight.height * sight.width
    rows, columns = np.nonzero(options >= 0)
    pixel = options[rows, columns]
    # The nearest to a pixel first.
    order = np.lexsort((columns, pixel))
    starts = np.searchsorted(pixel[order], np.arange(pixels + 1))
    shown = np.full(pixels, -1, np.int64)
    there = np.flatnonzero(np.diff(starts))
    shown[there] = rows[order][starts[there]]
    uses = np.bincount(shown[there], minlength=len(options))
    _cover(options, shown, uses)
    image = shown.reshape(sight.height, sight.width)
    for _ in range(_SWEEPS):
        _smooth(image, uses, rows[order], starts, sight.voxels[:, 2])
    return image, uses > 0


@njit(cache=True, nogil=True)
def _cover(options, shown, uses):
    """Give voxels that no pixel shows one, over chains of voxels that change pixels (Kuhn's matching).

    Frames need a few steps a voxel; the work is bounded for clouds that are none.
    """
    n, most = options.shape
    visited = np.full(len(shown), -1, np.int64)
    left = _WORK * n
    chain = np.zeros(n + 1, np.int64)  # voxels on the way
    turn = np.zeros(n + 1, np.int64)  # the option that each one has got to
    for voxel in range(n):
        if uses[voxel]:
            continue
        chain[0], turn[0], length = voxel, -1, 1
        while length and left > 0:
            left -= 1
            here = chain[length - 1]
            turn[length - 1] += 1
            k = turn[length - 1]
            if k == most or options[here, k] < 0:
                length -= 1
                continue
            pixel = options[here, k]
            if visited[pixel] == voxel:
                continue
            visited[pixel] = voxel
            other = shown[pixel]
            if other >= 0 and uses[other] == 1:
                chain[length], turn[length] = other, -1
                length += 1
                continue
            if other >= 0:
                uses[other] -= 1
            # Each voxel of the chain takes the pixel that it looked at; the last one's was to spare.
            for j in range(length):
                shown[options[chain[j], turn[j]]] = chain[j]
            uses[voxel] = 1
            break


@njit(cache=True, nogil=True)
def _smooth(shown, uses, voxels, starts, depth):
    """Let pixels that no voxel needs show the one on their ray that differs least from the pixels around, or none."""
    height, width = shown.shape
    around = np.zeros(8, np.int64)
    for y in range(height):
        for x in range(width):
            at = y * width + x
            now = shown[y, x]
            if starts[at] == starts[at + 1] or (now >= 0 and uses[now] == 1):
                continue
            count, beside = 0, 0
            for j in range(max(y - 1, 0), min(y + 2, height)):
                for i in range(max(x - 1, 0), min(x + 2, width)):
                    if (j != y or i != x) and shown[j, i] >= 0:
                        around[count] = depth[shown[j, i]]
                        count += 1
                        beside += j == y or i == x
            best, least = -1, np.int64(0)
            if beside >= 3:
                for k in range(starts[at], starts[at + 1]):
                    cost = np.int64(0)
                    for j in range(count):
                        cost += min(abs(depth[voxels[k]] - around[j]), _FAR_OFF)
                    if best < 0 or cost < least:
                        best, least = voxels[k], cost
                if least > count * _FAR_OFF // 2:
                    best = -1
            if now >= 0:
                uses[now] -= 1
            if best >= 0:
                uses[best] += 1
            shown[y, x] = best
