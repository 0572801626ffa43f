"""Fewer, rounder triangles of marching tetrahedra: vertices around a grid point become one.

Where the surface cuts several edges of one grid point, its vertices there lie close together, and the triangles between
them are slivers (Raman and Wenger 2008 move them to the grid point; here they meet at their own mean, so that the
surface stays where it was; Labelle and Shewchuk 2007 move the grid point to the surface, which is the same picture).
What marching tetrahedra promise still holds:

    manifold  the neighbours of the grid point inside, and those outside, are each connected, so that the surface goes
              around it once and the merged triangles are a fan
    simple    the star of a grid point in Kuhn's subdivision is convex and the mean lies within it: the tetrahedra,
              moved there, keep their orientation, and every triangle stays in its own.  No two grid points of one edge
              are moved, so that no tetrahedron is moved twice
"""

from __future__ import annotations

import functools
import itertools

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

# The 14 grid points that share an edge of Kuhn's subdivision with (0, 0, 0): those ahead, and those behind.
_AHEAD = [d for d in itertools.product((0, 1), repeat=3) if any(d)]
_LINK = np.array(_AHEAD + [tuple(-x for x in d) for d in _AHEAD])
_ROUNDS = 8  # of choosing; nearly all that can be chosen are by then


def merge_around_grid_points(
    inside: NDArray[np.bool_], a: Indices, b: Indices, t: Floats, vertices: Floats, faces: Indices
) -> tuple[Floats, Indices]:
    """Vertices and faces after merging.

    inside    [X, Y, Z] sides of the grid points
    a, b, t   [V] each vertex cuts the edge from flat grid point a (inside) to b (outside) at the part t
    vertices  [V, 3] in cells; faces [F, 3]
    """
    chosen = _choose(inside, a, b, t)
    home = np.where(chosen[a], a, np.where(chosen[b], b, -1))
    merged = home >= 0
    if not merged.any():
        return vertices, faces
    _, group = np.unique(home[merged], return_inverse=True)
    weight = np.where(chosen[a], t, 1 - t)[merged] ** -2.0  # those near the grid point lie flattest with it
    total = np.bincount(group, weight)
    mean = np.stack([np.bincount(group, weight * x) / total for x in vertices[merged].T], axis=-1)
    index = np.zeros(len(vertices), dtype=np.int64)
    index[~merged] = np.arange(len(vertices) - len(group))
    index[merged] = len(vertices) - len(group) + group
    faces = index[faces]
    whole = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])
    return np.concatenate([vertices[~merged], mean]), faces[whole]


def _choose(inside: NDArray[np.bool_], a: Indices, b: Indices, t: Floats) -> NDArray[np.bool_]:
    """[X Y Z] bool, flat: grid points to merge around, nearest to the surface first, no two of them neighbours."""
    shape = np.array(inside.shape)
    step = _LINK @ np.array([shape[1] * shape[2], shape[2], 1])
    side = inside.reshape(-1)
    ends = np.concatenate([a, b])
    found, member = np.unique(ends, return_inverse=True)
    reach = np.bincount(member, np.concatenate([t, 1 - t])) / np.bincount(member)
    at = np.stack(np.unravel_index(found, inside.shape), -1)
    within = ((at > 0) & (at < shape - 1)).all(axis=1)
    found, reach = found[within], reach[within]
    sides = side[found[:, None] + step] @ (1 << np.arange(len(step)))
    once = _once_around()[sides]
    found, reach = found[once], reach[once]
    found = found[np.argsort(reach, kind="stable")]
    last = len(found)
    rank = np.full(side.size, last, dtype=np.int32)
    rank[found] = np.arange(last)
    chosen = np.zeros(side.size, dtype=bool)
    for _ in range(_ROUNDS):
        around = rank[found[:, None] + step]
        first = rank[found] < around.min(axis=1)
        chosen[found[first]] = True
        rank[found[first]] = last
        rank[found[first][:, None] + step] = last
        found = found[rank[found] < last]
        if not len(found):
            break
    return chosen


@functools.cache
def _once_around() -> NDArray[np.bool_]:
    """[2^14] for each set of the neighbours of a grid point: it and its complement are connected and not empty."""
    steps = {tuple(d) for d in _LINK}
    linked = np.array([[tuple(p - q) in steps for q in _LINK] for p in _LINK])
    sets = (np.arange(1 << len(_LINK))[:, None] >> np.arange(len(_LINK)) & 1).astype(bool)

    def connected(member: NDArray[np.bool_]) -> NDArray[np.bool_]:
        reached = member & (np.cumsum(member, axis=1) == 1)
        for _ in range(len(_LINK)):
            reached |= member & (reached @ linked)
        return member.any(axis=1) & (reached == member).all(axis=1)

    return np.asarray(connected(sets) & connected(~sets))
