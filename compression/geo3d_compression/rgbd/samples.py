# mypy: allow-untyped-defs, no-check-untyped-defs
"""Coefficients of a JPEG plane <-> samples, in integers, compiled: what a decoded frame predicts must be exact.

Samples are level-shifted (0 = mid grey) in sixteenths: [-2048, 2032].
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d_compression.jpeg.basis import BASIS
from geo3d_compression.jpeg.file import Plane

SAMPLE_ONE = 16
LOWEST, HIGHEST = -128 * SAMPLE_ONE, 127 * SAMPLE_ONE


def plane_samples(plane: Plane) -> NDArray[np.int16]:
    """[8 rows, 8 columns] samples of every block of a plane."""
    rows, columns, _ = plane.coefs.shape
    out = np.zeros((8 * rows, 8 * columns), np.int16)
    _inverse(plane.coefs, plane.table.astype(np.int64), out)
    return out


@njit(cache=True, nogil=True)
def _inverse(coefs, table, out):
    half = np.zeros((8, 8), np.int64)
    for row in range(coefs.shape[0]):
        for column in range(coefs.shape[1]):
            for v in range(8):
                for x in range(8):
                    half[v, x] = 0
                for u in range(8):
                    c = np.int64(coefs[row, column, 8 * v + u])
                    if c != 0:
                        c *= table[8 * v + u]
                        for x in range(8):
                            half[v, x] += c * BASIS[x, u]
            for y in range(8):
                for x in range(8):
                    total = np.int64(0)
                    for v in range(8):
                        total += (half[v, x] >> 6) * BASIS[y, v]
                    value = (total + (1 << 15)) >> 16
                    out[8 * row + y, 8 * column + x] = min(max(value, LOWEST), HIGHEST)


@njit(cache=True, nogil=True)
def forward(samples, table, out):
    """DCT of samples [8 rows, 8 columns] in eighths of the quantisation steps: `out` int16 [rows * columns * 64]."""
    rows, columns = samples.shape[0] // 8, samples.shape[1] // 8
    half = np.zeros((8, 8), np.int64)
    at = 0
    for row in range(rows):
        for column in range(columns):
            for y in range(8):
                for u in range(8):
                    total = np.int64(0)
                    for x in range(8):
                        total += np.int64(samples[8 * row + y, 8 * column + x]) * BASIS[x, u]
                    half[y, u] = total >> 6
            for v in range(8):
                for u in range(8):
                    total = np.int64(0)
                    for y in range(8):
                        total += half[y, u] * BASIS[y, v]
                    step = table[8 * v + u]
                    value = (total + (step << 20)) // (step << 21)
                    out[at + 8 * v + u] = min(max(value, -32767), 32767)
            at += 64
