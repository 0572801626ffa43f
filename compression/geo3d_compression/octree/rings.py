"""The rings of a spinning scanner as lines z = a rho + b about its axis, found without order or calibration.

Each laser of such a scanner sweeps a cone, so that its returns lie on one line in the half plane (rho, z): `a` is the
tangent of its elevation, `b` the height at which it sits.  Lines are found by a Hough transform and least squares on
their inliers; the encoder signals them, and contexts ask how far a cell is from the nearest one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import BitstreamError
from geo3d_compression.octree.varint import read_varint, write_varint

# Slopes are integers / 2^20, heights are in eighths of a leaf cell, as all positions here.
SLOPE_BITS = 20
_SUBCELLS = 8

_MAX_RINGS = 256
_MIN_RINGS = 6
_MIN_SHARE = 0.0015
_MIN_INLIERS = 0.35
_SAMPLE = 60_000

_SLOPES = np.arange(-1.2, 1.2, 0.0006)
_HEIGHTS = np.linspace(-0.04, 0.04, 33)


class Rings(NamedTuple):
    """Lines sorted by slope; both arrays are empty when there are none."""

    slopes: NDArray[np.int64]  # [R], a * 2^20
    heights: NDArray[np.int64]  # [R], b in eighths of a cell
    step_bits: int  # slopes are multiples of 2^-step_bits

    def write(self) -> bytes:
        """As in the header: slopes in their steps, heights in quarter cells."""
        out = write_varint(len(self.slopes))
        if len(self.slopes) == 0:
            return out
        step_bits = self.step_bits
        slopes = (self.slopes >> (SLOPE_BITS - step_bits)).tolist()
        heights = (self.heights >> 1).tolist()
        out += bytes([step_bits])
        for values in (slopes, heights):
            previous = 0
            for value in values:
                delta = value - previous
                out += write_varint(delta << 1 if delta >= 0 else (-delta << 1) - 1)
                previous = value
        return out


NO_RINGS = Rings(np.zeros(0, np.int64), np.zeros(0, np.int64), 0)


def read_rings(data: bytes, position: int) -> tuple[Rings, int]:
    """The rings written at `position`, and the position after them."""
    count, position = read_varint(data, position)
    if count == 0:
        return NO_RINGS, position
    if count > _MAX_RINGS or position >= len(data) or data[position] > SLOPE_BITS:
        raise BitstreamError(f"octree header declares {count} scanner rings or a slope precision that do not exist")
    step_bits = data[position]
    position += 1
    columns = []
    for _ in range(2):
        values, value = [], 0
        for _ in range(count):
            delta, position = read_varint(data, position)
            value += delta >> 1 if not delta & 1 else -((delta + 1) >> 1)
            if abs(value) > 1 << 24:
                raise BitstreamError(f"octree header has a scanner ring with parameter {value}, beyond {1 << 24}")
            values.append(value)
        columns.append(np.array(values, np.int64))
    return Rings(columns[0] << (SLOPE_BITS - step_bits), columns[1] << 1, step_bits), position


def slope_step_bits(reach: float) -> int:
    """Bits of a slope so that a step moves the line by less than a quarter cell at distance `reach` cells."""
    return int(np.clip(np.ceil(np.log2(max(4 * reach, 2))), 8, SLOPE_BITS))


def find_rings(seen: NDArray[np.float64]) -> Rings:
    """Rings of points [N, 3] seen from the sensor, in cells; none if they explain little."""
    rho = np.hypot(seen[:, 0], seen[:, 1])
    z = seen[:, 2]
    usable = rho > 20
    rho, z = rho[usable], z[usable]
    if len(rho) < 2000:
        return NO_RINGS
    step_bits = slope_step_bits(float(rho.max()))
    if len(rho) > _SAMPLE:
        # A fixed stride keeps the result a function of the voxels alone.
        stride = -(-len(rho) // _SAMPLE)
        rho, z = rho[::stride], z[::stride]
    total = len(rho)
    heights = _HEIGHTS * np.median(rho)
    cells = [((z - b) / rho - _SLOPES[0]) / (_SLOPES[1] - _SLOPES[0]) for b in heights]
    bins = np.stack([np.clip(c, 0, len(_SLOPES) - 1).astype(np.int64) for c in cells])  # [B, n]
    votes = np.stack([np.bincount(row, minlength=len(_SLOPES)) for row in bins])
    alive = np.ones(total, bool)
    lines: list[tuple[float, float]] = []
    for _ in range(2 * _MAX_RINGS):
        row, column = np.unravel_index(int(votes.argmax()), votes.shape)
        if votes[row, column] < max(0.5 * _MIN_SHARE * total, 12) or len(lines) == _MAX_RINGS:
            break
        inliers = alive & (np.abs(bins[row] - column) <= 1)
        line = _refine(rho, z, inliers, alive)
        error = np.abs(z - line[0] * rho - line[1])
        gone = (alive & (error < 0.9)) if _good(error, alive, total) else inliers
        if gone is not inliers:
            lines.append(line)
        alive &= ~gone
        for k in range(len(heights)):
            votes[k] -= np.bincount(bins[k][gone], minlength=len(_SLOPES))
    if len(lines) < _MIN_RINGS or alive.mean() > 1 - _MIN_INLIERS:
        return NO_RINGS
    lines.sort()
    keep = 1 << (SLOPE_BITS - step_bits)
    slopes = np.array([round(a * (1 << step_bits)) * keep for a, _ in lines], np.int64)
    offsets = np.array([2 * round(b * _SUBCELLS / 2) for _, b in lines], np.int64)
    return Rings(slopes, offsets, step_bits)


def _good(error: NDArray[np.float64], alive: NDArray[np.bool_], total: int) -> bool:
    return bool((alive & (error < 0.9)).sum() >= max(_MIN_SHARE * total, 20))


def _refine(
    rho: NDArray[np.float64], z: NDArray[np.float64], inliers: NDArray[np.bool_], alive: NDArray[np.bool_]
) -> tuple[float, float]:
    """Least squares on the inliers, which shrink towards the line."""
    a, b = 0.0, 0.0
    for tolerance in (None, 2.0, 1.5, 1.2, 1.0, 1.0, 0.8, 0.8):
        if tolerance is not None:
            inliers = alive & (np.abs(z - a * rho - b) < tolerance)
        if inliers.sum() < 8:
            break
        r, h = rho[inliers], z[inliers]
        mean_r, mean_h = r.mean(), h.mean()
        spread = ((r - mean_r) ** 2).sum()
        if spread < 1e-9:
            break
        a = float(((r - mean_r) * (h - mean_h)).sum() / spread)
        b = float(mean_h - a * mean_r)
    return a, b
