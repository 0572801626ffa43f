"""Finds a spinning scanner in a cloud that does not say where it stood: its position, and its motion during a turn.

Seen from the right place, the slopes z / rho of a scan's points fall into narrow peaks, one for each laser; from a
wrong one they blur.  `sharpness` measures the peaks, and a coarse grid with descent finds the place.  Scans that were
straightened for the vehicle's motion are sharp only after the motion is put back: a point at azimuth t (in turns, -1/2
to 1/2) was seen from `t` times the motion of a turn further on.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d_compression.octree.rings import SLOPE_BITS, find_rings

_SAMPLE = 16_000
_COARSE = 5000
_WINDOW = 8
# Sharpness that scans reach at their sensor (1 to 9) and that other clouds do not (below 0.2).
_SHARP = 0.5
_MOVING_GAIN = 1.2


class Scanner(NamedTuple):
    """Position [3] and motion in a turn [2] (x, y), in cells."""

    position: NDArray[np.float64]
    motion: NDArray[np.float64]


def turns(x: NDArray[np.int64], y: NDArray[np.int64]) -> NDArray[np.int64]:
    """Azimuth atan2(y, x) in turns * 2^16, in [-2^15, 2^15], to 1/1600 of a turn.  Mirrors `sensor_contexts._turns`."""
    ax, ay = np.abs(x), np.abs(y)
    t = (np.minimum(ax, ay) << 16) // np.maximum(np.maximum(ax, ay), 1)
    angle = t * (8192 + (2847 * (65536 - t) >> 16)) >> 16
    angle = np.where(ay > ax, 16384 - angle, angle)
    angle = np.where(x < 0, 32768 - angle, angle)
    return np.where(y < 0, -angle, angle)


def unmoved(seen: NDArray[np.float64], motion: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points [N, 3] relative to the scanner at its start, as the scanner saw them on the move."""
    if not motion.any():
        return seen
    azimuth = turns(np.round(seen[:, 0] * 8).astype(np.int64), np.round(seen[:, 1] * 8).astype(np.int64)) / 65536
    result = seen.copy()
    result[:, :2] -= azimuth[:, None] * motion
    return result


def sharpness(seen: NDArray[np.float64], resolution: float) -> float:
    """How far the slopes of points [N, 3] exceed chance in bins of 1 / resolution; 0 for a smooth distribution."""
    return float(_sharpness(np.ascontiguousarray(seen, np.float64), np.zeros(3), float(resolution)))


@njit(cache=True, nogil=True)
def _sharpness(points: NDArray[np.float64], place: NDArray[np.float64], resolution: float) -> float:
    """`sharpness` of points [N, 3] as seen from `place` [3]."""
    n = int(1.6 * resolution)
    votes = np.zeros(n)
    for i in range(points.shape[0]):
        x, y = points[i, 0] - place[0], points[i, 1] - place[1]
        slope = (points[i, 2] - place[2]) / (np.sqrt(x * x + y * y) + 1e-9)
        at = (slope + 1) * resolution
        if 0 <= at < n:
            votes[int(at)] += 1
    mean, excess = np.zeros(n), np.zeros(n)
    used = 0
    total = votes[: 2 * _WINDOW].sum()
    for k in range(_WINDOW, n - _WINDOW):
        total += votes[k + _WINDOW]
        around = total / (2 * _WINDOW + 1)
        total -= votes[k - _WINDOW]
        if around > 1:
            mean[used] = around
            excess[used] = ((votes[k] - around) ** 2 - votes[k]) / around**2
            used += 1
    if used == 0:
        return 0.0
    # Capped weights keep one flat floor or wall from outweighing all lasers.
    weight = np.minimum(mean[:used], np.median(mean[:used]))
    return (weight * excess[:used]).sum() / (weight.sum() + 1)


def find_scanner(voxels: NDArray[np.integer], position: NDArray[np.float64] | None = None) -> Scanner | None:
    """The scanner that made a cloud [N, 3], in cells, near `position` if that is known; None if none fits."""
    stride = -(-len(voxels) // _SAMPLE)
    points = voxels[::stride].astype(np.float64)
    # Voxels in Morton order: a fixed permutation, so that the first few are spread too.
    points = points[np.random.default_rng(0).permutation(len(points))]
    centre, radius = _densest(points) if position is None else (position[:2], 0.0)
    distance = np.hypot(*(points[:, :2] - centre).T)
    radius = radius or float(np.quantile(distance, 0.1))
    if radius < 10:
        return None
    far = points[distance > np.median(distance)][:_COARSE]
    starts = _coarse(points, far, centre, radius) if position is None else [position]
    steps = (0.1 if position is None else 0.04) * radius, 0.004 * radius
    found = max((_descend(far, np.append(start, (0, 0)), steps, 3, 300, 1000) for start in starts), key=lambda r: r[0])
    at = _descend(points[:8000], found[1], (0.01 * radius, 0.002 * radius), 3, 600, 600)[1]
    if sharpness(points - at[:3], 600) < _SHARP:
        return None
    at = _moving(points[:_COARSE], at, radius)
    # Twice the cells of the median distance: finer bins would show the grid.
    finest = float(np.clip(2 * np.median(distance), 600, 6000))
    at = _descend(points, at, (0.004 * radius, 0.25), 5 if at[3:].any() else 3, 600, finest)[1]
    return _polish(points, Scanner(at[:3], at[3:]), max(1.0, radius / 280))


def _polish(points: NDArray[np.float64], scanner: Scanner, coarse: float) -> Scanner:
    """Gauss-Newton steps of place and motion on the distances of points to their rings; heights are the rings' own.

    Rings are found in units of `coarse` cells first, in which they are as sharp as the place is known.
    """
    for unit in (coarse, coarse, max(1.0, coarse / 4), max(1.0, coarse / 16)):
        seen = unmoved(points - scanner.position, scanner.motion) / unit
        rings = find_rings(seen)
        if len(rings.slopes) == 0:
            break
        rho = np.hypot(seen[:, 0], seen[:, 1]) + 1e-9
        slopes = rings.slopes / (1 << SLOPE_BITS)
        errors = seen[:, 2:] - slopes * rho[:, None] - rings.heights / 8
        nearest = np.abs(errors).argmin(axis=1)
        error, slope = errors[np.arange(len(rho)), nearest], slopes[nearest]
        kept = np.abs(error) < 1.5
        cos, sin = seen[:, 0] / rho * slope, seen[:, 1] / rho * slope
        columns = [cos, sin]
        if scanner.motion.any():
            turn = np.arctan2(seen[:, 1], seen[:, 0]) / (2 * np.pi)
            columns += [turn * cos, turn * sin]
        step = np.linalg.lstsq(np.stack(columns, axis=1)[kept], -error[kept], rcond=None)[0]
        step *= unit
        motion = scanner.motion + step[2:] if len(step) == 4 else scanner.motion
        scanner = Scanner(scanner.position + np.append(step[:2], 0.0), motion)
    return scanner


def _densest(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Centre [2] and radius of the densest part: scans thin out with distance."""
    centre = np.median(points[:, :2], axis=0)
    for _ in range(12):
        distance = np.hypot(*(points[:, :2] - centre).T)
        centre = points[distance <= np.quantile(distance, 0.35), :2].mean(axis=0)
    distance = np.hypot(*(points[:, :2] - centre).T)
    return centre, float(np.quantile(distance, 0.1))


def _coarse(
    points: NDArray[np.float64], far: NDArray[np.float64], centre: NDArray[np.float64], radius: float
) -> list[NDArray[np.float64]]:
    """The sharpest places of a grid over the ground near the centre."""
    near = points[np.hypot(*(points[:, :2] - centre).T) < 3 * radius, 2]
    step = max(radius / 50, 1.0)
    ground = np.bincount((near / step).astype(np.int64)).argmax() * step
    scored = []
    for dx in np.arange(-1.4, 1.5, 0.2):
        for dy in np.arange(-1.4, 1.5, 0.2):
            for dz in np.arange(0.2, 0.75, 0.03):
                place = np.array([centre[0] + dx * radius, centre[1] + dy * radius, ground + dz * radius])
                scored.append((_sharpness(far, place, 300.0), tuple(place)))
    return [np.array(place) for _, place in sorted(scored, reverse=True)[:6]]


def _descend(
    points: NDArray[np.float64],
    at: NDArray[np.float64],  # [x, y, z, vx, vy]
    steps: tuple[float, float],
    axes: int,
    resolution: float,
    finest: float,
) -> tuple[float, NDArray[np.float64]]:
    """Pattern search (Hooke and Jeeves) over the first `axes` parameters, steps and bins shrinking together."""
    step = steps[0]
    score = 0.0
    while step > steps[1]:
        score = sharpness(unmoved(points - at[:3], at[3:]), resolution)
        for _ in range(4):
            begin = at
            for move in [sign * step * np.eye(5)[axis] for axis in range(axes) for sign in (-1, 1)]:
                trial = sharpness(unmoved(points - at[:3] - move[:3], at[3:] + move[3:]), resolution)
                if trial > score:
                    score, at = trial, at + move
            if at is begin:
                break
            onward = 2 * at - begin
            trial = sharpness(unmoved(points - onward[:3], onward[3:]), resolution)
            if trial > score:
                score, at = trial, onward
        step *= 0.6
        resolution = min(resolution * 1.25, finest)
    return score, at


def _moving(points: NDArray[np.float64], at: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """`at` with the motion along an axis that is clearly sharper than none, the position following, if there is one."""
    best = _MOVING_GAIN * max(sharpness(points - at[:3], 600), 1e-3)
    found = at
    for axis in (3, 4):
        for sign in (-1, 1):
            trial = at
            for _ in range(10):
                trial = trial + sign * 0.04 * radius * np.eye(5)[axis]
                score, trial = _descend(points, trial, (0.012 * radius, 0.006 * radius), 3, 600, 600)
                if score > best:
                    best, found = score, trial
    return found
