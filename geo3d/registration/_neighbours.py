"""Compiled: neighbours within a radius by a grid, and what FPFH and colour statistics make of them."""

from __future__ import annotations

import numpy as np
from numba import njit

BINS = 11


@njit(cache=True, nogil=True)
def radius_graph(points, radius):  # type: ignore[no-untyped-def]
    """Neighbours within `radius` of every point, itself left out: indptr [N + 1], indices, squared distances.

    Cells as wide as the radius, sorted by their number, so that three cells in a row are one run of points.
    """
    n = len(points)
    low, high = np.zeros(3), np.zeros(3)
    for c in range(3):
        low[c], high[c] = points[:, c].min(), points[:, c].max()
    size = np.zeros(3, np.int64)
    cells = np.zeros((n, 3), np.int64)
    for c in range(3):
        size[c] = int((high[c] - low[c]) / radius) + 1
        for i in range(n):
            cells[i, c] = int((points[i, c] - low[c]) / radius)
    keys = (cells[:, 0] * size[1] + cells[:, 1]) * size[2] + cells[:, 2]
    order = np.argsort(keys, kind="mergesort")
    keys = keys[order]
    limit = radius * radius
    indptr = np.zeros(n + 1, np.int64)
    found = np.zeros(64 * n, np.int32)
    squared = np.zeros(64 * n, np.float32)
    count = 0
    for i in range(n):
        for a in range(max(cells[i, 0] - 1, 0), min(cells[i, 0] + 2, size[0])):
            for b in range(max(cells[i, 1] - 1, 0), min(cells[i, 1] + 2, size[1])):
                row = (a * size[1] + b) * size[2]
                first = np.searchsorted(keys, row + max(cells[i, 2] - 1, 0))
                last = np.searchsorted(keys, row + min(cells[i, 2] + 1, size[2] - 1), side="right")
                for s in range(first, last):
                    j = order[s]
                    d = 0.0
                    for c in range(3):
                        d += (points[i, c] - points[j, c]) ** 2
                    if d <= limit and j != i:
                        if count == len(found):
                            found = np.concatenate((found, np.zeros_like(found)))
                            squared = np.concatenate((squared, np.zeros_like(squared)))
                        found[count] = j
                        squared[count] = d
                        count += 1
        indptr[i + 1] = count
    return indptr, found[:count].copy(), squared[:count].copy()


@njit(cache=True, nogil=True)
def simple_histograms(points, normals, indptr, indices):  # type: ignore[no-untyped-def]
    """[N, 33] simplified point feature histograms: three angles of each pair with a neighbour, 100 in all for each."""
    n = len(points)
    out = np.zeros((n, 3 * BINS), np.float32)
    for i in range(n):
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
    return out


@njit(cache=True, nogil=True)
def weighted_histograms(simple, indptr, indices, squared, at):  # type: ignore[no-untyped-def]
    """[K, 33] of the points `at`: their own histogram plus their neighbours', the near ones first, 200 an angle."""
    out = np.zeros((len(at), 3 * BINS), np.float32)
    for k in range(len(at)):
        i = at[k]
        for s in range(indptr[i], indptr[i + 1]):
            if squared[s] <= 0:
                continue
            weight = np.float32(1) / squared[s]
            j = indices[s]
            for c in range(3 * BINS):
                out[k, c] += weight * simple[j, c]
        for first in range(0, 3 * BINS, BINS):
            total = np.float32(1e-12)
            for c in range(first, first + BINS):
                total += out[k, c]
            for c in range(first, first + BINS):
                out[k, c] = out[k, c] * (100 / total) + simple[i, c]
    return out


@njit(cache=True, nogil=True)
def local_moments(values, indptr, indices, at):  # type: ignore[no-untyped-def]
    """[K, 2 C] mean and deviation of values [N, C] over each point of `at` and its neighbours."""
    channels = values.shape[1]
    out = np.zeros((len(at), 2 * channels), np.float32)
    for k in range(len(at)):
        i = at[k]
        count = 1 + indptr[i + 1] - indptr[i]
        for c in range(channels):
            total = values[i, c]
            square = values[i, c] ** 2
            for s in range(indptr[i], indptr[i + 1]):
                v = values[indices[s], c]
                total += v
                square += v * v
            mean = total / count
            out[k, c] = mean
            out[k, channels + c] = np.sqrt(max(square / count - mean * mean, 0.0))
    return out


@njit(cache=True, nogil=True, inline="always")
def _bin(share):  # type: ignore[no-untyped-def]
    return min(max(int(np.floor(BINS * share)), 0), BINS - 1)
