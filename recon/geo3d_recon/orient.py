"""Outward normals of loose points by winding-number normal consistency."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo3d.ops import estimate_normals, knn, voxelize
from geo3d_recon.spacing import spacing, spacing_at
from geo3d_recon.winding import WindingTree

Floats = NDArray[np.float64]
_OPENING = 1.6  # the alternation corrects what a coarser sum gets wrong


@dataclass(frozen=True)
class WNNC:
    """Winding-number normal consistency (Lin, Shi, Liu 2024, "Fast and Globally Consistent Normal Orientation").

    Alternates a step of steepest descent on |w(p_i) − ½|² with replacing each normal's direction by −∇w there, while
    the kernel narrows.

    iterations   alternations
    width_first  softening at the start, in units of the cloud's spacing
    width_last   softening at the end
    most_points  beyond this many, a subset is solved and its orientation handed to the others
    """

    iterations: int = 16
    width_first: float = 1.2
    width_last: float = 0.5
    most_points: int = 8_000

    def __call__(self, points: Floats) -> Floats:
        """[N, 3] unit outward normals of points [N, 3] without duplicates, N >= 4."""
        if len(points) > self.most_points:
            return self._by_subset(points)
        moments = self.moments(points)
        length = np.linalg.norm(moments, axis=1, keepdims=True)
        return moments / np.maximum(length, 1e-300)

    def moments(self, points: Floats) -> Floats:
        """[N, 3] area-weighted outward normals of points [N, 3]; in a large cloud each point weighs its spacing²."""
        if len(points) > self.most_points:
            return self._by_subset(points) * spacing_at(points)[:, None] ** 2
        tree, h = WindingTree.build(points, _OPENING), spacing(points)
        m = np.zeros_like(points)
        for i in range(self.iterations):
            done = i / max(self.iterations - 1, 1)
            width = h * (self.width_first + (self.width_last - self.width_first) * done)
            residual = 0.5 - tree.field(m, points, width)
            r = tree.adjoint(residual, points, width)
            a_r = tree.field(r, points, width)
            m = m + r * ((r * r).sum() / max((a_r * a_r).sum(), 1e-300))
            direction = tree.outward(m, points, width)
            direction /= np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-300)
            m = direction * np.linalg.norm(m, axis=1, keepdims=True)
        return m

    def _by_subset(self, points: Floats) -> Floats:
        """Solve a subset, give each other point the sign that its nearest solved points vote for."""
        subset = thin(points, self.most_points)
        solved = self(points[subset])
        normals = estimate_normals(points, 12)
        _, near = knn(points[subset], points, 4)
        vote = np.einsum("ikc,ic->i", solved[near], normals)
        return normals * np.where(vote < 0, -1.0, 1.0)[:, None]


def thin(points: Floats, count: int) -> NDArray[np.int64]:
    """Indices of at most `count` points spread evenly: one a voxel, the voxel sized to fit."""
    cell = float(np.ptp(points, axis=0).max()) / 256
    for _ in range(40):
        grid = voxelize(points, cell)
        if len(grid.counts) <= count:
            break
        cell *= max(1.05, (len(grid.counts) / count) ** 0.5)
    first = np.full(len(grid.counts), len(points), dtype=np.int64)
    np.minimum.at(first, grid.inverse, np.arange(len(points)))
    return np.sort(first)
