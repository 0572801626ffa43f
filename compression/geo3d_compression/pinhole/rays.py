# mypy: allow-untyped-defs, no-check-untyped-defs
"""Where a pixel's ray meets a plane of voxels, in integers: the same on every machine.

A voxel of plane D (distance from the camera to the plane's middle) holds points of depth D + e, |e| <= 1/2.  The ray of
pixel (u, v) passes the plane at ((u - cx) / fx (D + e), (v - cy) / fy (D + e)): mostly inside of one voxel, else inside
of two or three, depending on e.  `code_places` codes which, and each answer narrows e down for the next one.

Lengths are in 1/4096 of a cell, slopes of rays in 1/2^24.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d_compression.entropy.coder import code_bit
from geo3d_compression.entropy.models import (
    counter_input,
    counter_update,
    mixer_dot,
    mixer_update,
    new_counters,
    new_mixer,
    squash,
)

UNIT_BITS = 12
UNIT = 1 << UNIT_BITS
HALF = UNIT // 2
SLOPE_BITS = 24
PIXEL_BITS = 16

# Contexts of an answer: where between both ends the depth decides, how far depth nearby is from the plane's middle.
_PARTS, _NEARBY = 32, 9
_CONTEXTS = 5
# Bins of the depths within a plane.
_DEPTH_BITS = UNIT_BITS - 5
_DEPTHS = (UNIT >> _DEPTH_BITS) + 1
_RATE = 60


@dataclass(frozen=True)
class Pinhole:
    """A camera among voxels.

    axis, backwards    the optical axis 0, 1, 2, and whether it looks towards lower coordinates
    x, y, z            its place in 1/4096 cells of the cloud's axes, voxels' middles being whole
    fx, fy, cx, cy     focal lengths and the middle, in pixels / 2^16, of the columns (first of the other axes) and rows
    """

    axis: int
    backwards: bool
    x: int
    y: int
    z: int
    fx: int
    fy: int
    cx: int
    cy: int

    @property
    def laterals(self) -> tuple[int, int]:
        """The axes of the columns and the rows."""
        first, second = (k for k in range(3) if k != self.axis)
        return first, second

    @property
    def place(self) -> tuple[int, int, int]:
        """Of the columns' axis, the rows' axis and the optical axis."""
        place = (self.x, self.y, self.z)
        return place[self.laterals[0]], place[self.laterals[1]], place[self.axis]

    def slopes(self, height: int, width: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Slopes of the rays of all columns [W] and rows [H]."""
        return _slopes(width, self.fx, self.cx), _slopes(height, self.fy, self.cy)

    def distances(self, planes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Distances of the middles of planes (coordinates along the axis)."""
        along = planes * UNIT - self.place[2]
        return -along if self.backwards else along


def _slopes(count: int, focal: int, middle: int) -> NDArray[np.int64]:
    return np.array([(((k << PIXEL_BITS) - middle) << SLOPE_BITS) // focal for k in range(count)], np.int64)


@njit(cache=True, nogil=True, inline="always")
def reach(slope, distance, place):
    """The voxel that a ray is in at a distance."""
    return ((slope * distance >> SLOPE_BITS) + place + HALF) >> UNIT_BITS


@njit(cache=True, nogil=True)
def first_beyond(slope, distance, place, low, high, voxel):
    """The least e in (low, high] at which the ray is in another voxel than `voxel`, that of `low`."""
    while high - low > 1:
        middle = (low + high) >> 1
        if reach(slope, distance + middle, place) == voxel:
            low = middle
        else:
            high = middle
    return high


@njit(cache=True, nogil=True)
def narrowed(slope, distance, place, low, high, voxel):
    """The part of low ... high in which the ray is in `voxel`; low > high if nowhere."""
    while low <= high:
        at = reach(slope, distance + low, place)
        if at == voxel:
            if reach(slope, distance + high, place) != voxel:
                high = first_beyond(slope, distance, place, low, high, voxel) - 1
            return low, high
        if reach(slope, distance + high, place) == at:
            break
        low = first_beyond(slope, distance, place, low, high, at)
    return np.int64(1), np.int64(0)


@njit(cache=True, nogil=True)
def _nearby(depths, y, x):
    """How far the mean depth of the pixels around is from this one's, in classes."""
    here = depths[y, x]
    total, count = np.int64(0), np.int64(0)
    for j in range(max(y - 2, 0), min(y + 3, depths.shape[0])):
        for i in range(max(x - 2, 0), min(x + 3, depths.shape[1])):
            away = depths[j, i] - here
            if depths[j, i] > 0 and abs(away) <= 8 * UNIT:
                total += away
                count += 1
    mean = total // max(count, 1)
    return min(max((mean + UNIT // 16) // (UNIT // 8) + 4, 0), _NEARBY - 1)


@njit(cache=True, nogil=True)
def _share(seen, first, edge, last):
    """Which share of what was seen of a plane's depths in bins first ... last lies from `edge` on, of 32."""
    below, above = np.int64(1), np.int64(1)
    for k in range(first, last + 1):
        if k < edge:
            below += seen[k]
        else:
            above += seen[k]
    return above * _PARTS // (below + above)


@njit(cache=True, nogil=True)
def _axis(
    slope, distance, place, low, high, voxel, near, seen, turn, tables, weights, inputs, slots, state, buffer, encode
):  # fmt: skip
    """The voxel along one axis, and what is left of low ... high."""
    at = reach(slope, distance + low, place)
    end = reach(slope, distance + high, place)
    while at != end:
        edge = first_beyond(slope, distance, place, low, high, at)
        part = min((edge - low) * _PARTS // (high - low + 1), _PARTS - 1)
        share = min(
            _share(
                seen,
                low + HALF >> _DEPTH_BITS,
                edge + HALF + (1 << _DEPTH_BITS >> 1) >> _DEPTH_BITS,
                high + HALF >> _DEPTH_BITS,
            ),
            _PARTS - 1,
        )
        slots[0] = part
        slots[1] = _PARTS + part * _NEARBY + near
        slots[2] = _PARTS * (1 + _NEARBY) + share
        slots[3] = _PARTS * (2 + _NEARBY) + share * _NEARBY + near
        slots[4] = _PARTS * (2 + 2 * _NEARBY) + share * 8 + (part >> 2)
        for k in range(_CONTEXTS):
            inputs[k] = counter_input(tables[slots[k]])
        inputs[_CONTEXTS] = 256
        logit = mixer_dot(weights, turn, inputs, _CONTEXTS + 1)
        p = min(max(squash(logit), 32), 65504)
        bit = code_bit(state, buffer, p, np.int64(voxel != at), encode)
        for k in range(_CONTEXTS):
            tables[slots[k]] = counter_update(tables[slots[k]], bit, 500)
        mixer_update(weights, turn, inputs, _CONTEXTS + 1, (bit << 16) - squash(logit), _RATE)
        if not bit:
            return at, low, edge - 1
        low = edge
        at = reach(slope, distance + low, place)
    return at, low, high


def new_places(planes: int) -> tuple[NDArray[np.uint32], NDArray[np.int32], NDArray[np.int64]]:
    """Counters and mixer of `code_places`, and what it has seen of the depths within each of so many planes."""
    counters = new_counters(_PARTS * (2 + 2 * _NEARBY) + _PARTS * 8)
    return counters, new_mixer(2, _CONTEXTS + 1, 0.3), np.zeros((planes, _DEPTHS), np.int64)


@njit(cache=True, nogil=True)
def code_places(ranks, depths, places, across, down, x0, y0, tables, weights, seen, state, buffer, encode):
    """Code the voxels [H, W, 2] along both lateral axes of all pixels of `depths` [H, W] (distances, 0 = none).

    `ranks` [H, W]: number of the plane, from 1 on.  Where a sensor's depths are in steps, all of a plane are at the
    same place in it, which the first few pixels tell.
    """
    inputs = np.zeros(_CONTEXTS + 1, np.int64)
    slots = np.zeros(_CONTEXTS, np.int64)
    for y in range(depths.shape[0]):
        for x in range(depths.shape[1]):
            distance = depths[y, x]
            if distance == 0:
                continue
            near = _nearby(depths, y, x)
            known = seen[ranks[y, x] - 1]
            low, high = np.int64(-HALF), np.int64(HALF)
            places[y, x, 0], low, high = _axis(
                across[x], distance, x0, low, high, places[y, x, 0], near, known, 0, tables, weights, inputs, slots,
                state, buffer, encode,
            )  # fmt: skip
            places[y, x, 1], low, high = _axis(
                down[y], distance, y0, low, high, places[y, x, 1], near, known, 1, tables, weights, inputs, slots,
                state, buffer, encode,
            )  # fmt: skip
            if high - low < UNIT:
                first, last = low + HALF >> _DEPTH_BITS, high + HALF >> _DEPTH_BITS
                for k in range(first, last + 1):
                    known[k] += 64 // (last - first + 1)


# Where an answer is certain, none is coded; every one costs eleven bits at most, and there are four a pixel at most.
MOST_BITS = 4 * 11
