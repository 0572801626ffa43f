"""Finds the camera that made a cloud of one depth frame, if the cloud's axes are the camera's, from the voxels alone.

In a plane of constant depth a frame's points lie on the pixel grid: at distance d from the camera neighbouring columns
are d / f cells apart, f being the focal length in pixels.  So the spectrum of a plane's points along a lateral axis has
a peak at f / d cycles per cell (or an alias of it, cells being whole).  Two planes' peaks give f and the depth of the
camera, all planes together say whether they are right, and their phases where the optical axis is.

Where pixels are too close to be told apart, frames of structured light and stereo still show their planes of equal
disparity, which are in equal steps of 1 / distance from the camera.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_PLANES, _STRONGEST = 64, 24
_PLANE_POINTS, _LEAST_PLANES = 64, 8
# Cells along an axis of a frame whose camera is looked for: 16 m at 1 mm. It bounds memory and time.
_LARGEST = 1 << 14
# Longer periods, in cells, are shapes; pixels of less than 1 / `_HIGHEST` cell are not told apart.
_LONGEST, _HIGHEST = 16, 1.6
# Power of a peak, where chance is at 1, and as far as one counts, so that a few bright planes do not decide alone:
# frames reach 25 to 35, other clouds 8.
_SEEN, _FULL = 15.0, 40.0
# Places whose phases agree almost as well as the best ones: depths of equal disparities make some agree by chance.
_AS_GOOD, _MOST_PLACES, _NEAR = 0.8, 32, 8
_FOCAL = (60.0, 4000.0)
# How far the number of points in a plane differs from that in planes beside it, on average and on the other axes at
# most: 0.5 and more along the optical axis of frames with planes of equal disparity, below 0.2 elsewhere.
_STEPPED, _SMOOTH = 0.35, 0.25
_BESIDE, _MANY = 4, 16
# Power of equal steps of 1 / distance, where chance is at 1: 30 to 100 from the right place, below 15 from others.
_SURE = 25.0
# Distance of the closest point from the camera as a share of the depth seen; steps at the far end in cells; bins of
# 1 / distance.
_NEAREST, _DISTANCES = (0.1, 4.0), 100
_STEPS, _BINS = (24.0, 1.3), 1 << 14
_LEAST_SPAN = 32
# A plane or two show no steps, however many points they hold.
_FEWEST_PLANES = 8
# `sensor.find_sensor` wants to see all within 50 degrees of an axis, tan 50 = 1.19.
_WIDEST = 1.15


class Camera(NamedTuple):
    """Optical axis (0, 1, 2), whether it looks towards lower coordinates, and position [3] in cells."""

    axis: int
    is_backwards: bool
    position: NDArray[np.float64]


class _Planes(NamedTuple):
    depths: NDArray[np.int64]  # [P]
    spectra: tuple[NDArray[np.complex128], NDArray[np.complex128]]  # [P, F] of the two lateral axes
    sizes: tuple[int, int]  # the periods of the transforms


def find_camera(voxels: NDArray[np.integer], is_closed: bool = False) -> Camera | None:
    """The camera whose frame `voxels` [N, 3], unique, from 0 on and in any order, could be; None if there is no sign.

    In a surface that `is_closed` pixels are less than a cell: only planes of equal disparity are looked for.
    """
    if len(voxels) == 0 or int(voxels.max()) >= _LARGEST:
        return None
    found = [camera for axis in range(3) if (camera := _by_pixels(voxels, axis)) is not None] if not is_closed else []
    if found:
        return max(found, key=lambda pair: pair[0])[1]
    return _by_steps(voxels)


def _by_pixels(voxels: NDArray[np.integer], axis: int) -> tuple[float, Camera] | None:
    """Score and camera, by the pixel grid."""
    planes = _planes(voxels, axis)
    if planes is None:
        return None
    pairs = _pairs(planes, 4.0 * float(np.ptp(voxels, axis=0).max()))
    if len(pairs) == 0:
        return None
    scores = _scores(planes, pairs)
    best = int(scores.argmax())
    if scores[best] < _SEEN:
        return None
    focal, depth = pairs[best]
    position = np.zeros(3)
    position[axis] = depth
    away = np.abs(voxels[:, axis] - depth)
    laterals = [k for k in range(3) if k != axis]
    for lateral, spectrum, size in zip(laterals, planes.spectra, planes.sizes, strict=True):
        places, agreement = _optical_axes(spectrum, size, focal / (planes.depths - depth), voxels[:, lateral])
        # A sensor sees about as far to one side as to the other.
        skew = [abs(slope.max() + slope.min()) for c in places for slope in ((voxels[:, lateral] - c) / away,)]
        is_near = np.abs(places - places[int(np.argmin(skew))]) < _NEAR
        position[lateral] = places[is_near][agreement[is_near].argmax()]
    return float(scores[best]), Camera(axis, bool(focal < 0), position)


def _planes(voxels: NDArray[np.integer], axis: int) -> _Planes | None:
    """The fullest planes of equal stretches of depth, and their spectra."""
    depth = voxels[:, axis].astype(np.int64)
    counts = np.bincount(depth)
    edges = np.linspace(0, len(counts), min(_PLANES, len(counts)) + 1).astype(int)
    fullest = np.array([a + counts[a:b].argmax() for a, b in pairwise(edges)])
    fullest = fullest[counts[fullest] >= _PLANE_POINTS]
    if len(fullest) < _LEAST_PLANES:
        return None
    order = np.argsort(depth, kind="stable")
    starts = np.concatenate([[0], np.cumsum(counts)])
    spectra, sizes = [], []
    for lateral in (k for k in range(3) if k != axis):
        values = voxels[:, lateral].astype(np.int64)
        size = 1 << int(values.max() + 1).bit_length() + 1
        rows = [np.bincount(values[order[starts[p] : starts[p + 1]]], minlength=size) for p in fullest]
        spectrum = np.fft.rfft(np.array(rows))
        spectrum[:, : size // _LONGEST] = 0
        # In units of what is usual at other frequencies: a wall seen edge on has as much power at all of them.
        usual = np.median(np.abs(spectrum[:, size // _LONGEST :]) ** 2, axis=1) / np.log(2)
        spectrum /= np.sqrt(usual + 1e-9)[:, None]
        spectra.append(spectrum)
        sizes.append(size)
    return _Planes(fullest, (spectra[0], spectra[1]), (sizes[0], sizes[1]))


def _pairs(planes: _Planes, farthest: float) -> NDArray[np.float64]:
    """[H, 2] focal length (negative: looking backwards) and depth of the camera, from the peaks of any two planes."""
    depths = planes.depths.astype(np.float64)
    result = []
    for spectrum, size in zip(planes.spectra, planes.sizes, strict=True):
        power = np.abs(spectrum)
        peak = power.argmax(axis=1)
        strong = np.argsort(-power[np.arange(len(peak)), peak])[:_STRONGEST]
        frequency = np.maximum(peak[strong] / size, 1 / size)
        period = 1 / np.stack([frequency, 1 - frequency, 1 + frequency], axis=1)  # [S, 3] with its aliases
        rise = period[:, None, :, None] - period[None, :, None, :]  # [S, S, 3, 3]
        run = (depths[strong][:, None] - depths[strong][None, :])[:, :, None, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            focal = run / rise
            depth = depths[strong][:, None, None, None] - period[:, None, :, None] * focal
        is_once = np.broadcast_to(run > 0, focal.shape)
        result.append(np.stack([focal[is_once], depth[is_once]], axis=1))
    pairs = np.concatenate(result)
    focal, depth = pairs.T
    low, high = _FOCAL
    in_front = np.where(focal > 0, depth < depths.min() - 1, depth > depths.max() + 1)
    kept = (np.abs(focal) > low) & (np.abs(focal) < high) & in_front & (np.abs(depth - depths.mean()) < farthest)
    return np.asarray(pairs[kept & np.isfinite(focal)])


def _scores(planes: _Planes, pairs: NDArray[np.float64]) -> NDArray[np.float64]:
    """[H] mean power where the pixel grid's peaks should be: on the lateral axis that has less of it."""
    frequency = np.abs(pairs[:, :1] / (planes.depths - pairs[:, 1:]))  # [H, P]
    alias = np.abs(frequency - np.round(frequency))
    rows = np.arange(len(planes.depths))
    scores = []
    for spectrum, size in zip(planes.spectra, planes.sizes, strict=True):
        power = np.abs(spectrum) ** 2
        at = power[rows, np.round(alias * size).astype(np.int64)]
        scores.append((np.minimum(at, _FULL) * (frequency < _HIGHEST)).mean(axis=1))
    return np.minimum(scores[0], scores[1])


def _optical_axes(
    spectrum: NDArray[np.complex128], size: int, frequency: NDArray[np.float64], values: NDArray[np.integer]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """[K] coordinates at which all planes' pixel grids are in phase, and how well."""
    alias = frequency - np.round(frequency)
    at = spectrum[np.arange(len(alias)), np.round(np.abs(alias) * size).astype(np.int64)]
    at = np.where(alias < 0, at.conj(), at)
    at = np.where(np.abs(frequency) < _HIGHEST, at, 0)
    # The bins' own frequencies, whose phases at the coordinates' origin are those of `at`.
    alias = np.sign(alias) * np.round(np.abs(alias) * size) / size
    places = np.arange(float(values.min()), float(values.max()), 0.25)
    agreement = np.abs(np.exp(2j * np.pi * places[:, None] * alias) @ at)
    is_peak = agreement >= np.maximum(np.roll(agreement, 1), np.roll(agreement, -1))
    kept = np.flatnonzero(is_peak & (agreement >= _AS_GOOD * agreement.max()))
    kept = kept[np.argsort(-agreement[kept], kind="stable")[:_MOST_PLACES]]
    return places[kept], agreement[kept]


def _by_steps(voxels: NDArray[np.integer]) -> Camera | None:
    """A camera along the one axis on which the points lie in planes of equal disparity."""
    steps = [_steppedness(voxels[:, axis]) for axis in range(3)]
    axis = int(np.argmax(steps))
    if steps[axis] < _STEPPED or sorted(steps)[1] > _SMOOTH:
        return None
    depth = voxels[:, axis]
    if np.ptp(depth) < _FEWEST_PLANES:
        return None
    score, place = _equal_steps(depth)
    if score < _SURE:
        place = _guess(voxels, axis)
    position = np.full(3, place)
    away = np.abs(depth - place)
    for lateral in (k for k in range(3) if k != axis):
        position[lateral] = _middle(voxels[:, lateral], away)
    return Camera(axis, bool(place > depth.max()), position)


def _steppedness(values: NDArray[np.integer]) -> float:
    """By what share planes hold more or fewer points than those beside them, on average and beyond chance."""
    counts, mean = _plane_counts(values)
    used = mean > _MANY
    if not used.any():
        return 0.0
    counts, mean = counts[used], mean[used]
    # Capped weights keep one flat floor or wall from outweighing all other planes.
    weight = np.minimum(mean, np.median(mean))
    by_chance = np.sqrt(2 / (np.pi * mean))
    return float((weight * (np.minimum(np.abs(counts - mean) / mean, 2) - by_chance)).sum() / weight.sum())


def _plane_counts(values: NDArray[np.integer]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Number of points in every plane from the first to the last, and the mean of it and those beside it."""
    counts = np.bincount(values.astype(np.int64) - int(values.min())).astype(np.float64)
    sums = np.cumsum(np.pad(counts, (_BESIDE + 1, _BESIDE)))
    return counts, (sums[2 * _BESIDE + 1 :] - sums[: -2 * _BESIDE - 1]) / (2 * _BESIDE + 1)


def _guess(voxels: NDArray[np.integer], axis: int) -> float:
    """A place on the axis from which all is seen, at the end of the narrower steps."""
    depth, others = voxels[:, axis].astype(np.float64), np.delete(voxels, axis, axis=1)
    aside = np.abs(others - (others.min(axis=0) + others.max(axis=0)) / 2).max(axis=1)
    half = (depth.min() + depth.max()) / 2
    low_side, high_side = (_steppedness(voxels[side, axis]) for side in (depth <= half, depth > half))
    sign = 1.0 if high_side >= low_side else -1.0
    return sign * (float((sign * depth - aside / _WIDEST).min()) - 1)


def _equal_steps(values: NDArray[np.integer]) -> tuple[float, float]:
    """Power of the best series of planes in equal steps of 1 / distance, and where the distance is counted from."""
    counts, mean = _plane_counts(values)
    # Capped, so that one flat floor or wall does not outweigh all other planes.
    excess = np.clip((counts - mean) / np.maximum(mean, _MANY), -1, 2)
    energy = float((excess**2).sum())
    span = len(counts) - 1
    best = (0.0, 0.0)
    if span < _LEAST_SPAN or energy == 0:
        return best
    for distance in np.geomspace(*_NEAREST, _DISTANCES) * span:
        for row, is_backwards in ((excess, False), (excess[::-1], True)):
            closeness = 1 / (distance + np.arange(len(row)))
            scale = (_BINS // 4 - 1) / (closeness[0] - closeness[-1])
            at = np.round((closeness - closeness[-1]) * scale).astype(np.int64)
            power = np.abs(np.fft.rfft(np.bincount(at, row, minlength=_BINS))) ** 2 / energy
            # Steps at the far end, in cells, of every frequency.
            first, last = ((distance + span) ** 2 / step * _BINS / scale for step in _STEPS)
            within = power[int(first) : min(int(last), len(power))]
            if within.size and within.max() > best[0]:
                place = span + distance if is_backwards else -distance
                best = (float(within.max()), float(place + values.min()))
    return best


def _middle(values: NDArray[np.integer], away: NDArray[np.float64]) -> float:
    """The coordinate from which points lie as far to one side as to the other, as slopes; by bisection."""
    low, high = float(values.min()), float(values.max())
    for _ in range(24):
        middle = (low + high) / 2
        slopes = (values - middle) / away
        low, high = (middle, high) if slopes.max() + slopes.min() > 0 else (low, middle)
    return (low + high) / 2
