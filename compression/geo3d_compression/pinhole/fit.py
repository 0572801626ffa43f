"""Finds a depth frame's pixel grid in its voxels: focal lengths, middle, and the camera's place to a part of a cell.

The slopes x / z of a frame's points are multiples of 1 / f, shifted by the middle: their histogram's Fourier transform
has its peak at f.  Rounding to voxels blurs slopes by 1 / z, so that only points farther than f cells tell f apart.
From the peak on, the place of the camera and both focal lengths are those that bring all points into phase.

Encoder only, so floats may be used: what is found is rounded to the integers of `rays.Pinhole`, and checked by coding.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo3d_compression.octree.camera import Camera
from geo3d_compression.pinhole.rays import PIXEL_BITS, UNIT, Pinhole

_WIDEST = 1.25
_BINS, _BLOCK = 1 << 16, 256
_CLASSES, _LEAST = 24, 500
_FOCAL = (60.0, 4000.0)
# Power of the peak where chance is at 1: 50 and more in frames, up to 10 elsewhere; a peak of the other axis, within
# this share of it.
_SEEN, _ECHO, _SQUARE, _TRIALS = 30.0, 10.0, 0.02, 81
# Distance over focal length, which is cells a pixel: from where on pixels can be told apart, and so much in the median.
_APART, _FAR = 0.95, 0.7
_SAMPLE, _FEW, _MANY = 60_000, 20_000, 100_000
# Middles of voxels that were cut, not rounded, are half a cell off; a place that was found is off by more in depth.
_CUT = -0.5
_DEPTHS = (0.0, 0.5, -0.5, 1.0, -1.0, 1.5, -1.5, 2.0, -2.0, 2.5, -2.5, 3.0, -3.0)
# How much less in phase the place as it was told may be.
_AS_GOOD = 0.9
# Sum of phases, where chance is at 1.
_IN_PHASE = 8.0
# From so many cells a pixel on, which pixel saw a voxel is mostly certain.
_SURE, _ENOUGH = 1.3, 5000
_ROUNDS, _STEADY = 6, 2.0


class Found(NamedTuple):
    """A camera, and the size of its picture."""

    camera: Pinhole
    width: int
    height: int


def fit_pinhole(voxels: NDArray[np.int64], seen_from: Camera) -> Found | None:
    """The pixel grid of `voxels` [N, 3] seen from about there; None if they show none, or several pixels a voxel."""
    axis, backwards, place = seen_from
    sign = -1.0 if backwards else 1.0
    first, second = (k for k in range(3) if k != axis)
    along = (voxels[:, axis] - place[axis]) * sign
    seen = np.stack([voxels[:, first] - place[first], voxels[:, second] - place[second], along], axis=1)
    few = seen[:: max(1, len(seen) // _SAMPLE)]
    best = 0.0, 0.0, np.zeros(3)
    for away in _DEPTHS:
        moved = few - [0.0, 0.0, away]
        if moved[:, 2].min() < 1:
            continue
        power, focal = _peak(moved)
        if power > best[0]:
            best = power, focal, np.array([0.0, 0.0, away])
        if power > _SEEN and away == 0:
            break
    power, focal, shift = best
    if power < _SEEN or np.median(along) < _FAR * focal:
        return None
    shift, focals = max(
        (_refined(few, s, focal) for s in (shift, shift + [_CUT, _CUT, sign * _CUT])), key=lambda found: found[2]
    )[:2]
    better, finer = _regressed(seen, shift, focals)
    if _in_phase(seen, better, finer) > _in_phase(seen, shift, focals):
        shift, focals = better, finer
    moved = seen - shift
    if moved[:, 2].min() < 1:
        return None
    grids = [_grid(moved[:, k] / moved[:, 2], focals[k], moved[:, 2]) for k in (0, 1)]
    if any(g is None for g in grids):
        return None
    (cx, width), (cy, height) = (g for g in grids if g is not None)
    position = place.astype(np.float64).copy()
    position[first] += shift[0]
    position[second] += shift[1]
    position[axis] += sign * shift[2]
    x, y, z = (round(float(p) * UNIT) for p in position)
    one = 1 << PIXEL_BITS
    fx, fy = (round(float(f) * one) for f in focals)
    return Found(Pinhole(axis, backwards, x, y, z, fx, fy, round(cx * one), round(cy * one)), width, height)


def _peak(moved: NDArray[np.float64]) -> tuple[float, float]:
    """Power and frequency of the strongest period of the slopes along one axis that the other has too."""
    focal = np.arange(_BINS // 2 + 1) / (2 * _WIDEST)
    powers = [_spectrum(moved[:, k], moved[:, 2], focal) for k in (0, 1)]
    strong = powers[int(np.argmax([p.max() for p in powers]))]
    best = int(strong.argmax())
    near = slice(int(best * (1 - _SQUARE)), int(best * (1 + _SQUARE)) + 1)
    return (float(strong[best]) if min(p[near].max() for p in powers) > _ECHO else 0.0), float(focal[best])


def _spectrum(
    across: NDArray[np.float64], depth: NDArray[np.float64], focal: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Power of the slopes at every focal length, over what is usual, where points are far enough to show it."""
    edges = np.quantile(depth, np.linspace(0, 1, _CLASSES + 1))
    total, used = np.zeros(len(focal)), np.zeros(len(focal))
    for low, high in pairwise(edges):
        kept = (depth >= low) & (depth <= high)
        is_far = (focal < low * _APART) & (focal > _FOCAL[0]) & (focal < _FOCAL[1])
        if kept.sum() < _LEAST or not is_far.any():
            continue
        at = ((across[kept] / depth[kept] + _WIDEST) * (_BINS / (2 * _WIDEST))).astype(np.int64)
        row = np.bincount(at.clip(0, _BINS - 1), minlength=_BINS).astype(np.float64)
        power = np.abs(np.fft.rfft(row)) ** 2
        # What shapes contribute falls with frequency: each block of frequencies has its own usual.
        usual = np.repeat(np.median(power[:-1].reshape(-1, _BLOCK), axis=1), _BLOCK) / np.log(2) + 1e-9
        total[:-1] += np.where(is_far[:-1], power[:-1] / usual - 1, 0)
        used += is_far
    return np.asarray(total / np.sqrt(np.maximum(used, 1)))


def _refined(
    seen: NDArray[np.float64], shift: NDArray[np.float64], focal: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Shift of the place [3] and focal lengths [2] with which all points are in phase, and how much they are."""
    from scipy.optimize import minimize

    far = seen[:: max(1, len(seen) // _FEW)]
    weights = [_seen_at(far[:, k] / far[:, 2], focal, far[:, 2]) for k in (0, 1)]

    def in_phase(q: NDArray[np.float64]) -> float:
        moved = far - (q[1:] if len(q) > 1 else shift)
        if not moved[:, 2].min() >= 1:
            return 0.0
        return sum(float(abs(_phase(moved[:, k] / moved[:, 2], q[0], weights[k]))) for k in (0, 1))

    def best(start: NDArray[np.float64], steps: list[float]) -> NDArray[np.float64]:
        simplex = np.concatenate([start[None], start + np.diag(steps)])
        options = {"initial_simplex": simplex, "maxiter": 400, "xatol": 1e-4, "fatol": 1e-6}
        return np.asarray(minimize(lambda q: -in_phase(q), start, method="Nelder-Mead", options=options).x)

    near = max((in_phase(np.array([f])), f) for f in focal * np.linspace(1 - _SQUARE, 1 + _SQUARE, _TRIALS))[1]
    held = best(np.array([near]), [focal * _SQUARE / _TRIALS])
    free = best(np.array([held[0], *shift]), [0.1, 0.2, 0.2, 0.5])
    # A place that was told is exact; few far points would let it go astray.
    found = np.array([held[0], *shift]) if in_phase(held) > _AS_GOOD * in_phase(free) else free
    return found[1:], np.array([found[0], found[0]]), in_phase(found)


def _regressed(
    seen: NDArray[np.float64], shift: NDArray[np.float64], focal: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same, from each far point's pixel: in x = (u - c) (z + e) / f all is linear but u.

    A sensor's own steps lie somewhere within their planes, all of a plane at the same place: so e is found for each.
    """
    far = seen[seen[:, 2] - shift[2] > _SURE * focal.max()]
    if len(far) < _ENOUGH:
        return shift, focal
    far = far[:: max(1, len(far) // _MANY)]
    planes, plane = np.unique(far[:, 2], return_inverse=True)
    within = np.zeros(len(planes))
    first = shift, focal
    focal, shift = focal.copy(), shift.copy()
    for _ in range(_ROUNDS):
        z = (planes - shift[2] + within)[plane]
        if not z.min() >= 1:
            return first
        rows, farther = [], []
        for k in (0, 1):
            slope = (far[:, k] - shift[k]) / z
            u = np.round(slope * focal[k] - np.angle(_phase(slope, focal[k])) / (2 * np.pi))
            terms = np.stack([u * z, z, np.ones(len(far)), u], axis=1)
            a, b, shift[k], c = np.linalg.lstsq(terms, far[:, k], rcond=None)[0]
            if not a > 1 / _FOCAL[1]:
                return first
            focal[k] = 1 / a
            farther.append(c / a)
            rows.append(a * u + b)
        slopes = np.stack(rows, axis=1)
        more = float(np.mean(farther))
        wrong = far[:, :2] - shift[:2] - slopes * (z + more)[:, None]
        weight = np.bincount(plane, (slopes**2).sum(axis=1))
        within += np.bincount(plane, (wrong * slopes).sum(axis=1)) / (weight + _STEADY)
        middle = float((weight * within).sum() / weight.sum())
        within = np.clip(within - middle, -0.5, 0.5)
        shift[2] -= more + middle
    return shift, focal


def _in_phase(seen: NDArray[np.float64], shift: NDArray[np.float64], focals: NDArray[np.float64]) -> float:
    """How much all points are, at both axes; 0 where some are behind the camera."""
    moved = seen - shift
    if moved[:, 2].min() < 1:
        return 0.0
    slopes = moved[:, :2] / moved[:, 2:]
    return sum(
        float(abs(_phase(slopes[:, k], focals[k], _seen_at(slopes[:, k], focals[k], moved[:, 2])))) for k in (0, 1)
    )


def _seen_at(slopes: NDArray[np.float64], focal: float, depth: NDArray[np.float64]) -> NDArray[np.float64]:
    """What rounding to voxels leaves of a pixel grid: turned round, even, where a voxel is wider than a pixel."""
    pixels = focal / depth
    return np.asarray(np.sinc(pixels) * np.sinc(pixels * slopes))


def _phase(slopes: NDArray[np.float64], focal: float, weights: NDArray[np.float64] | None = None) -> complex:
    phases = np.exp(2j * np.pi * focal * slopes)
    return complex(phases.mean() if weights is None else (weights * phases).sum() / np.sqrt((weights**2).sum()))


def _grid(slopes: NDArray[np.float64], focal: float, depth: NDArray[np.float64]) -> tuple[float, int] | None:
    """Middle and number of the pixels that cover `slopes`."""
    phase = _phase(slopes, focal, _seen_at(slopes, focal, depth))
    if abs(phase) < _IN_PHASE or not _FOCAL[0] < focal < _FOCAL[1]:
        return None
    middle = -float(np.angle(phase)) / (2 * np.pi)
    at = slopes * focal + middle
    low, high = int(np.floor(at.min())) - 1, int(np.ceil(at.max())) + 1
    return middle - low, high - low + 1
