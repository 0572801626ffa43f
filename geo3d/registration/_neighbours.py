"""Neighbours within a radius by a grid, and what FPFH and colour statistics make of them.

The innermost loops are compiled, and nothing else: each array that is made inside of one costs a fresh install time.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

BINS = 11


def radius_graph(
    points: NDArray[np.float64], radius: float
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
    """Neighbours within `radius` of every point, itself left out: indptr [N + 1], indices, squared distances.

    Cells as wide as the radius, sorted by their number, so that three cells in a row are one run of points.
    """
    low = points.min(axis=0)
    size = ((points.max(axis=0) - low) / radius).astype(np.int64) + 1
    cells = ((points - low) / radius).astype(np.int64)
    keys = (cells[:, 0] * size[1] + cells[:, 1]) * size[2] + cells[:, 2]
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    x, y = (cells[:, c, None] + np.repeat([[-1, 0, 1]], len(points), 0) for c in (0, 1))
    inside = ((x >= 0) & (x < size[0]))[:, :, None] & ((y >= 0) & (y < size[1]))[:, None]
    row = (x[:, :, None] * size[1] + y[:, None]) * size[2]
    z = cells[:, 2, None, None]
    first = np.searchsorted(keys, row + np.maximum(z - 1, 0)).reshape(len(points), 9)
    last = np.searchsorted(keys, row + np.minimum(z + 1, size[2] - 1), side="right").reshape(len(points), 9)
    last = np.where(inside.reshape(len(points), 9), last, first)
    most = int((last - first).sum())
    indptr, found, squared = np.zeros(len(points) + 1, np.int64), np.zeros(most, np.int32), np.zeros(most, np.float32)
    count = _within(points, order, first, last, radius * radius, indptr, found, squared)
    return indptr, found[:count].copy(), squared[:count].copy()


@njit(cache=True, nogil=True, error_model="numpy")
def _within(points, order, first, last, limit, indptr, found, squared):  # type: ignore[no-untyped-def]
    count = 0
    for i in range(points.shape[0]):
        for k in range(first.shape[1]):
            for s in range(first[i, k], last[i, k]):
                j = order[s]
                x, y, z = points[i, 0] - points[j, 0], points[i, 1] - points[j, 1], points[i, 2] - points[j, 2]
                d = x * x + y * y + z * z
                if d <= limit and j != i:
                    found[count] = j
                    squared[count] = d
                    count += 1
        indptr[i + 1] = count
    return count


def simple_histograms(
    points: NDArray[np.float64], normals: NDArray[np.float64], indptr: NDArray[np.int64], indices: NDArray[np.int32]
) -> NDArray[np.float32]:
    """[N, 33] simplified point feature histograms: three angles of each pair with a neighbour, 100 in all for each."""
    out = np.zeros((len(points), 3 * BINS), np.float32)
    _simple(points, normals, indptr, indices, out)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _simple(points, normals, indptr, indices, out):  # type: ignore[no-untyped-def]
    for i in range(points.shape[0]):
        count = indptr[i + 1] - indptr[i]
        if count == 0:
            continue
        share = 100.0 / count
        for s in range(indptr[i], indptr[i + 1]):
            j = indices[s]
            dx, dy, dz = points[j, 0] - points[i, 0], points[j, 1] - points[i, 1], points[j, 2] - points[i, 2]
            length = np.sqrt(dx * dx + dy * dy + dz * dz)
            if length == 0:
                continue
            dx, dy, dz = dx / length, dy / length, dz / length
            p, q = i, j
            one = normals[i, 0] * dx + normals[i, 1] * dy + normals[i, 2] * dz
            two = normals[j, 0] * dx + normals[j, 1] * dy + normals[j, 2] * dz
            phi = one
            if abs(one) < abs(two):
                # The frame stands on the normal that is closer to the line.
                p, q = j, i
                dx, dy, dz = -dx, -dy, -dz
                phi = -two
            ux, uy, uz = normals[p, 0], normals[p, 1], normals[p, 2]
            mx, my, mz = normals[q, 0], normals[q, 1], normals[q, 2]
            vx, vy, vz = dy * uz - dz * uy, dz * ux - dx * uz, dx * uy - dy * ux
            length = np.sqrt(vx * vx + vy * vy + vz * vz)
            if length == 0:
                continue
            vx, vy, vz = vx / length, vy / length, vz / length
            wx, wy, wz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
            alpha = vx * mx + vy * my + vz * mz
            theta = np.arctan2(wx * mx + wy * my + wz * mz, ux * mx + uy * my + uz * mz)
            out[i, _bin((theta + np.pi) / (2 * np.pi))] += share
            out[i, BINS + _bin((alpha + 1) / 2)] += share
            out[i, 2 * BINS + _bin((phi + 1) / 2)] += share


def weighted_histograms(
    simple: NDArray[np.float32],
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    squared: NDArray[np.float32],
    at: NDArray[np.int64],
) -> NDArray[np.float32]:
    """[K, 33] of the points `at`: their own histogram plus their neighbours', the near ones first, 200 an angle."""
    from scipy.sparse import csr_array

    weight = np.where(squared > 0, 1 / np.maximum(squared, np.float32(1e-30)), np.float32(0))
    near = csr_array((weight, indices, indptr), (len(simple), len(simple)))[at] @ simple
    angles = near.reshape(len(at), 3, BINS)
    angles *= 100 / (angles.sum(axis=2, keepdims=True) + np.float32(1e-12))
    return near + simple[at]


def local_moments(
    values: NDArray[np.float64], indptr: NDArray[np.int64], indices: NDArray[np.int32], at: NDArray[np.int64]
) -> NDArray[np.float32]:
    """[K, 2 C] mean and deviation of values [N, C] over each point of `at` and its neighbours."""
    from scipy.sparse import csr_array

    near = csr_array((np.ones(len(indices)), indices, indptr), (len(values), len(values)))[at]
    count = 1 + np.diff(indptr)[at, None]
    mean, square = ((near @ v + v[at]) / count for v in (values, values * values))
    return np.concatenate([mean, np.sqrt(np.maximum(square - mean * mean, 0))], axis=1).astype(np.float32)


@njit(cache=True, nogil=True)
def _bin(share):  # type: ignore[no-untyped-def]
    return min(max(int(np.floor(BINS * share)), 0), BINS - 1)
