"""Holes of an open mesh: closed loops of edges that one face has.

The rim of a scan and the edges of what hid something are such loops too.  A hole is surrounded by surface: seen along
the loop's own normal the faces beside it lie outside the loop and face the same way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo3d.types import TriangleMesh

Floats = NDArray[np.float64]
# Share of the faces beside a hole that lie outside it, how far they face its way, and how far its fan does not fold.
_AROUND, _SAME_WAY, _FLAT = 0.75, 0.6, 0.6


@dataclass(frozen=True, eq=False)
class Hole:
    """One loop.

    vertices    [n] along it, the hole on the left seen from outside
    center      [3] mean of the loop
    normal      [3] unit, of the area that the loop encloses (Newell)
    radius      farthest vertex from the centre
    area        of the fan about the centre
    surrounded  by surface that faces the same way
    """

    vertices: NDArray[np.int64]
    center: Floats
    normal: Floats
    radius: float
    area: float
    surrounded: bool


def find_holes(mesh: TriangleMesh) -> list[Hole]:
    """All simple boundary loops, the largest first; loops that touch themselves are cut at the touching vertex."""
    f = mesh.faces.astype(np.int64)
    edges = np.concatenate([f[:, [0, 1]], f[:, [1, 2]], f[:, [2, 0]]])
    n = len(mesh.vertices)
    key, back = edges[:, 0] * n + edges[:, 1], edges[:, 1] * n + edges[:, 0]
    opposite = np.concatenate([f[:, 2], f[:, 0], f[:, 1]])
    alone = ~np.isin(key, back)
    border = edges[alone][:, ::-1]
    beside = dict(zip(map(tuple, border.tolist()), opposite[alone].tolist(), strict=True))
    follow: dict[int, list[int]] = {}
    for a, b in border.tolist():
        follow.setdefault(a, []).append(b)
    holes = []
    while follow:
        path = [next(iter(follow))]
        place = {path[0]: 0}
        while path and path[-1] in follow:
            b = follow[path[-1]].pop()
            if not follow[path[-1]]:
                del follow[path[-1]]
            if b in place:
                loop = path[place[b] :]
                if len(loop) >= 3:
                    holes.append(_hole(mesh, np.array(loop), beside))
                for v in loop[1:]:
                    del place[v]
                path = path[: place[b] + 1]
            else:
                place[b] = len(path)
                path.append(b)
    return sorted(holes, key=lambda h: -h.area)


def _hole(mesh: TriangleMesh, loop: NDArray[np.int64], beside: dict[tuple[int, int], int]) -> Hole:
    p = mesh.vertices[loop]
    following = np.roll(loop, -1)
    q = mesh.vertices[following]
    center = p.mean(axis=0)
    fan = np.cross(p - center, q - center) / 2
    normal = fan.sum(axis=0)
    normal /= max(float(np.linalg.norm(normal)), 1e-300)
    third = mesh.vertices[[beside[e] for e in zip(loop.tolist(), following.tolist(), strict=True)]]
    middle = (p + q) / 2
    # The face beside the edge p q has it as q p.
    face = np.cross(p - q, third - q)
    face /= np.maximum(np.linalg.norm(face, axis=1, keepdims=True), 1e-300)
    outside = (np.cross(q - p, normal) * (third - middle)).sum(axis=1) > 0
    area = float(np.linalg.norm(fan, axis=1).sum())
    flat = float(np.linalg.norm(fan.sum(axis=0))) / max(area, 1e-300)
    around = float(outside.mean()) >= _AROUND and float((face @ normal).mean()) >= _SAME_WAY and flat >= _FLAT
    return Hole(loop, center, normal, float(np.linalg.norm(p - center, axis=1).max()), area, around)
