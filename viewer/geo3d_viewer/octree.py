"""Levels of detail of large clouds: points sorted into the cubes of an octree, so that each can be drawn as finely as
its size on the screen asks for."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.ops import morton_encode
from geo3d.types import PointCloud
from geo3d_viewer.camera import ViewCamera

_BITS = 21
_CUBE = 1 << 16
# More cubes than about one and a half times this are more objects than the window's toolkit has room for.
_CUBES = 300
_BLOCK = 1 << 20
_CORNERS = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Octree:
    """A cloud in the order of its octree's cubes.

    cloud   all points; those of cube c are `cloud[starts[c]:starts[c + 1]]`.  Every beginning of a cube's points is
            spread evenly over them: its first half, quarter, eighth ... are its coarser levels
    starts  [C + 1]
    low     [C, 3] least coordinates of each cube's points
    high    [C, 3] greatest
    """

    cloud: PointCloud
    starts: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @property
    def counts(self) -> NDArray[np.int64]:
        """[C] the points in each cube."""
        return np.diff(self.starts)

    def part(self, cube: int, count: int) -> PointCloud:
        """The first `count` points of a cube."""
        start = int(self.starts[cube])
        return self.cloud[start : start + min(count, int(self.counts[cube]))]

    def wanted(
        self, camera: ViewCamera, size: tuple[int, int], budget: int, *, spacing: float = 1.5, coarse: int = 200_000
    ) -> NDArray[np.int64]:
        """[C] how many points of each cube a picture of `size` is worth: 1, 1/2, 1/4 ... of them, `budget` in all.

        A cube that covers s pixels across gets about (s / spacing)^2 points.  Cubes out of view keep what makes
        `coarse` points of the whole, so that something is there when the camera turns.
        """
        counts = self.counts
        pixels = self._pixels(camera, size)
        floor = _halved(counts, counts * (coarse / max(int(counts.sum()), 1)))
        while True:
            chosen = np.maximum(_halved(counts, (pixels / spacing) ** 2), floor)
            if chosen.sum() <= max(budget, floor.sum()):
                return chosen
            spacing *= np.sqrt(2)

    def _pixels(self, camera: ViewCamera, size: tuple[int, int]) -> NDArray[np.float64]:
        """[C] the size of each cube's points on screen; 0 for those out of view."""
        width, height = size
        T = camera.T_world_camera
        focal = camera.focal(height)
        eye = T[:3, 3]
        near = np.clip(eye, self.low, self.high)
        distance = np.linalg.norm(near - eye, axis=1)
        extent = np.linalg.norm(self.high - self.low, axis=1)
        corners = self.low[:, None] + _CORNERS * (self.high - self.low)[:, None]
        p = (corners - eye) @ T[:3, :3]
        x, y = 0.51 * width / focal, 0.51 * height / focal
        planes = np.array([[1, 0, x], [-1, 0, x], [0, 1, y], [0, -1, y], [0, 0, 1.0]])
        in_view = ((p @ planes.T) >= 0).any(axis=1).all(axis=1)
        return np.where(in_view, focal * extent / np.maximum(distance, 1e-3 * extent + 1e-12), 0.0)


def _halved(counts: NDArray[np.int64], goal: NDArray[Any]) -> NDArray[np.int64]:
    """`counts` halved (rounding up) until they are at most twice the goal."""
    levels = np.floor(np.log2(np.maximum(counts / np.maximum(goal, 1e-9), 1.0))).astype(np.int64)
    shift = np.minimum(levels, 62)
    return np.asarray((counts + (1 << shift) - 1) >> shift, dtype=np.int64)


def build_octree(cloud: PointCloud, most: int | None = None) -> Octree:
    """Sort a cloud of finite points into cubes of at most `most` points (more only where places repeat).

    most  None: 65,536, or more where there would be too many cubes
    """
    most = max(_CUBE, len(cloud) // _CUBES) if most is None else most
    points = cloud.points
    low = points.min(axis=0).astype(np.float64) if len(cloud) else np.zeros(3)
    cell = float((points.max(axis=0) - low).max() if len(cloud) else 0) / ((1 << _BITS) - 1) or 1.0
    codes = np.zeros(len(points), dtype=np.int64)
    for start in range(0, len(points), _BLOCK):
        place = (points[start : start + _BLOCK] - low) / cell
        codes[start : start + _BLOCK] = morton_encode(place.astype(np.int64).clip(0, (1 << _BITS) - 1))
    order = np.argsort(codes)
    codes = codes.take(order)
    starts = _cubes(codes, most)
    for a, b in itertools.pairwise(starts):
        order[a:b] = order[a:b][_spread(b - a)]
    del codes
    edges = np.array(starts, dtype=np.int64)
    ordered = _taken(cloud, order)
    if not len(cloud):
        return Octree(ordered, edges, np.zeros((0, 3)), np.zeros((0, 3)))
    p = ordered.points
    lows, highs = (f.reduceat(p, edges[:-1], axis=0).astype(np.float64) for f in (np.minimum, np.maximum))
    return Octree(ordered, edges, lows, highs)


def _taken(cloud: PointCloud, order: NDArray[np.int64]) -> PointCloud:
    """`cloud[order]`, by the function that is several times as fast as an index on rows of three."""
    colors = None if cloud.colors is None else cloud.colors.take(order, axis=0)
    normals = None if cloud.normals is None else cloud.normals.take(order, axis=0)
    attributes = {name: values.take(order, axis=0) for name, values in cloud.attributes.items()}
    return PointCloud(cloud.points.take(order, axis=0), colors, normals, attributes)


def _cubes(codes: NDArray[np.int64], most: int) -> list[int]:
    """Where the cubes begin among sorted codes, and their end; small neighbours with one parent are put together."""
    starts: list[int] = []
    stack = [(0, len(codes), 0, 3 * _BITS)]
    while stack:
        first, last, prefix, shift = stack.pop()
        if last - first <= most or shift == 0:
            if last > first:
                starts.append(first)
            continue
        shift -= 3
        edges = first + np.searchsorted(codes[first:last], (prefix + np.arange(9)) << shift)
        edges[-1] = last
        parts: list[tuple[int, int, int, int]] = []
        for k in range(8):
            a, b = int(edges[k]), int(edges[k + 1])
            if parts and b - parts[-1][0] <= most:
                parts[-1] = (parts[-1][0], b, 0, 0)
            elif b > a:
                parts.append((a, b, (prefix + k) << 3, shift))
        stack += parts[::-1]
    return [*starts, len(codes)]


def _spread(n: int) -> NDArray[np.int64]:
    """[n] the numbers below n in bit-reversed order: every beginning is spread evenly (van der Corput)."""
    bits = max(int(n - 1).bit_length(), 0)
    reversed_ = np.zeros(1, dtype=np.int64)
    for k in range(bits):
        reversed_ = np.concatenate([reversed_, reversed_ + (1 << (bits - 1 - k))])
    return reversed_[reversed_ < n]
