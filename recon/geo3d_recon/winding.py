"""The winding-number field of oriented points, its gradient and its adjoint, by a tree code.

For points p_j with area-weighted normals m_j the winding number at q is (Jacobson et al. 2013; Barill et al. 2018)
    w(q) = Σ_j m_j · (p_j − q) / (4π |p_j − q|³),
1 inside a closed surface with outward normals, 0 outside, ½ on it.  Near the points the kernel is softened: |p_j − q|
is never taken less than `width`.  Far groups of points are summed as one, to first order about their centre
(Barnes and Hut 1986).
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LEAF = 8  # points a leaf holds at most
_OPENING = 2.5  # a group is summed as one if it is farther than this many of its radii, unless said otherwise
_FIELD, _ADJOINT, _GRADIENT = 0, 1, 2

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class WindingTree:
    """A balanced binary tree over points.

    order   [N] the points in tree order
    points  [N, 3] in tree order
    bounds  [M, 2] first and past-the-end point of each node; node i has the children 2i + 1 and 2i + 2
    depth   levels below the root
    opening a group is summed as one if it is farther than this many of its radii
    """

    order: NDArray[np.int64]
    points: Floats
    bounds: NDArray[np.int64]
    depth: int
    opening: float = _OPENING

    @staticmethod
    def build(points: Floats, opening: float = _OPENING) -> WindingTree:
        """Halve the points along each node's longest side until at most 8 are left."""
        n = len(points)
        depth = max(0, int(np.ceil(np.log2(max(n, 1) / _LEAF))))
        order = np.arange(n)
        cuts = [np.array([0, n])]
        for level in range(depth):
            cut = cuts[-1]
            p = points[order]
            node = np.repeat(np.arange(len(cut) - 1), np.diff(cut))
            starts = cut[:-1]
            extent = np.maximum.reduceat(p, starts) - np.minimum.reduceat(p, starts)
            key = p[np.arange(n), extent.argmax(axis=1)[node]]
            order = order[np.lexsort((key, node))]
            cuts.append(np.arange((1 << (level + 1)) + 1) * n >> (level + 1))
        bounds = np.concatenate([np.stack([c[:-1], c[1:]], -1) for c in cuts])
        return WindingTree(order, np.ascontiguousarray(points[order]), bounds, depth, opening)

    def field(self, moments: Floats, queries: Floats, width: Floats | float) -> Floats:
        """[Q] winding number at queries [Q, 3] of moments [N, 3] (area × outward normal, in the points' order)."""
        return self._sum(_FIELD, moments, queries, width)[:, 0]

    def adjoint(self, weights: Floats, queries: Floats, width: Floats | float) -> Floats:
        """[Q, 3] Σ_i weights_i (q − p_i) / (4π |q − p_i|³): the transpose of `field` when queries are the points."""
        moments = np.repeat(weights[:, None], 3, axis=1)
        return self._sum(_ADJOINT, moments, queries, width)

    def outward(self, moments: Floats, queries: Floats, width: Floats | float) -> Floats:
        """[Q, 3] −∇w at the queries: the direction in which the winding number falls, from inside to outside."""
        return self._sum(_GRADIENT, moments, queries, width)

    def _sum(self, mode: int, moments: Floats, queries: Floats, width: Floats | float) -> Floats:
        m = np.ascontiguousarray(moments[self.order], dtype=np.float64)
        weight = np.linalg.norm(m, axis=1) + 1e-30
        total, first, center, radius = self._nodes(m, weight)
        queries = np.ascontiguousarray(queries, dtype=np.float64)
        widths = np.ascontiguousarray(np.broadcast_to(np.asarray(width, dtype=np.float64), (len(queries),)))
        out = np.zeros((len(queries), 3))
        # numba takes half a second to import.
        from geo3d_recon.winding_kernel import traverse

        tree = (self.points, m, self.bounds, total, first, center, radius, (1 << self.depth) - 1, self.opening)
        threads = max(1, int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1))
        chunk = max(256, -(-len(queries) // (4 * threads)))

        def run(i: int) -> None:
            part = slice(i, i + chunk)
            traverse(mode, *tree, queries[part], widths[part], out[part])

        starts = range(0, len(queries), chunk)
        if len(starts) == 1 or threads == 1:
            for i in starts:
                run(i)
        else:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(run, starts))
        return out

    def _nodes(self, m: Floats, weight: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Sum, first moment, weighted centre and radius about it of every node."""
        totals, firsts, centers, radii = [], [], [], []
        for level in range(self.depth + 1):
            first = (1 << level) - 1
            bounds = self.bounds[first : 2 * first + 1]
            starts, sizes = bounds[:, 0], np.diff(bounds, axis=1)[:, 0]
            totals.append(np.add.reduceat(m, starts))
            mass = np.add.reduceat(weight, starts)
            c = np.add.reduceat(self.points * weight[:, None], starts) / mass[:, None]
            delta = self.points - np.repeat(c, sizes, axis=0)
            firsts.append(np.add.reduceat(m[:, :, None] * delta[:, None, :], starts))
            centers.append(c)
            radii.append(np.maximum.reduceat(np.linalg.norm(delta, axis=1), starts))
        return np.concatenate(totals), np.concatenate(firsts), np.concatenate(centers), np.concatenate(radii)
