"""The winding-number field of oriented points, its gradient and its adjoint, by a tree code.

For points p_j with area-weighted normals m_j the winding number at q is (Jacobson et al. 2013; Barill et al. 2018)
    w(q) = Σ_j m_j · (p_j − q) / (4π |p_j − q|³),
1 inside a closed surface with outward normals, 0 outside, ½ on it.  Near the points the kernel is softened: |p_j − q|
is never taken less than `width`.  Far groups of points are summed as one, to first order about their centre
(Barnes and Hut 1986).
"""

from __future__ import annotations

import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo3d.ops import morton_encode

_LEAF = 8  # points a leaf holds at most
_BLOCK = 64  # queries that descend the tree together
_THREADED = 20_000  # fewer queries are summed quicker than threads start
_OPENING = 2.5  # a group is summed as one if it is farther than this many of its radii, unless said otherwise
_FIELD, _ADJOINT, _GRADIENT = 0, 1, 2

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class WindingTree:
    """A balanced binary tree over points.

    given   [N, 3] the points as they were given
    order   [N] the points in tree order
    points  [N, 3] in tree order
    bounds  [M, 2] first and past-the-end point of each node; node i has the children 2i + 1 and 2i + 2
    center, radius  [M, 3], [M] ball around each node's points
    depth   levels below the root
    opening a group is summed as one if it is farther than this many of its radii
    """

    given: Floats
    order: NDArray[np.int64]
    points: Floats
    bounds: NDArray[np.int64]
    center: Floats
    radius: Floats
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
        p = np.ascontiguousarray(points[order], dtype=np.float64)
        centers, radii = [], []
        for cut in cuts:
            sizes = np.diff(cut)
            c = np.add.reduceat(p, cut[:-1]) / sizes[:, None]
            centers.append(c)
            radii.append(np.maximum.reduceat(np.linalg.norm(p - np.repeat(c, sizes, axis=0), axis=1), cut[:-1]))
        bounds = np.concatenate([np.stack([c[:-1], c[1:]], -1) for c in cuts])
        return WindingTree(points, order, p, bounds, np.concatenate(centers), np.concatenate(radii), depth, opening)

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
        # numba takes half a second to import.
        from geo3d_recon.winding_kernel import node_moments, traverse

        m = np.ascontiguousarray(moments[self.order], dtype=np.float64)
        total, first = np.zeros((len(self.bounds), 3)), np.zeros((len(self.bounds), 3, 3))
        node_moments(m, self.points, self.bounds, self.center, self.depth, total, first)
        # Points in tree order are neighbours of those before and after them; other queries are sorted along a curve.
        order = self.order if queries is self.given else _along_curve(queries)
        blocks = np.r_[np.arange(0, len(order), _BLOCK), len(order)]
        q = np.ascontiguousarray(queries[order].T, dtype=np.float64)
        w2 = np.ascontiguousarray(np.broadcast_to(np.asarray(width, dtype=np.float64), (len(order),))[order] ** 2)
        sums = np.zeros_like(q)
        leaf = (1 << self.depth) - 1
        tree = (self.points, m, self.bounds, total, first, self.center, self.radius, leaf, self.opening)
        threads = max(1, int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1))

        def run(part: NDArray[np.int64]) -> None:
            traverse(mode, *tree, q, w2, part, sums)

        if threads == 1 or len(order) < _THREADED:
            run(blocks)
        else:
            cuts = np.linspace(0, len(blocks) - 1, 4 * threads + 1).astype(int)
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(run, [blocks[a : b + 1] for a, b in itertools.pairwise(cuts)]))
        out = np.zeros((len(order), 3))
        out[order] = sums.T
        return out


def _along_curve(queries: Floats) -> NDArray[np.int64]:
    """[Q] the order of queries along a Z-order curve, on which neighbours follow each other."""
    if len(queries) <= _BLOCK:
        return np.arange(len(queries))
    low = queries.min(axis=0)
    cells = (queries - low) * (1023 / max(float((queries - low).max()), 1e-300))
    return np.argsort(morton_encode(cells.astype(np.int64)), kind="stable")
