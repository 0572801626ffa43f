"""Triangles across a loop: rings that shrink to its centre, sewn to the loop's own vertices, drawn tight."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def ring_patch(rim: Floats, center: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """New vertices [m, 3] and faces [f, 3] across a loop [n, 3]; faces index the loop first, then the new vertices.

    Rings lie about an edge apart and hold ever fewer vertices; faces run the way the loop does.  Each new vertex is the
    mean of its neighbours (Tutte 1963), which keeps patches of ragged loops from folding.
    """
    n = len(rim)
    length = np.linalg.norm(np.roll(rim, -1, axis=0) - rim, axis=1)
    place = np.concatenate([[0.0], np.cumsum(length)]) / length.sum()
    rings = max(1, round(float(np.linalg.norm(rim - center, axis=1).mean() / max(length.mean(), 1e-300))))
    around = np.concatenate([rim, rim[:1]])
    old, old_at = np.arange(n), place[:-1]
    new, faces = [], []
    count = n
    for k in range(1, rings):
        size = max(3, round(n * (1 - k / rings)))
        at = np.arange(size) / size
        on_rim = np.stack([np.interp(at, place, c) for c in around.T], axis=-1)
        new.append(on_rim + (center - on_rim) * (k / rings))
        ring = count + np.arange(size)
        faces += _sew(old, old_at, ring, at)
        old, old_at, count = ring, at, count + size
    new.append(center[None])
    faces += [(int(a), int(b), count) for a, b in zip(old, np.roll(old, -1), strict=True)]
    triangles = np.array(faces, dtype=np.int64)
    return _tight(np.concatenate([rim, *new]), n, triangles), triangles


def links_of(triangles: NDArray[np.int64], count: int) -> Any:
    """[count, count] sparse: how many triangles' edges join two vertices."""
    from scipy.sparse import coo_matrix

    e = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    rows, columns = np.concatenate([e, e[:, ::-1]]).T
    return coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(count, count)).tocsr()


def _tight(points: Floats, fixed: int, triangles: NDArray[np.int64]) -> Floats:
    """The points from `fixed` on, each moved to the mean of its neighbours, the first ones staying."""
    from scipy.sparse import diags
    from scipy.sparse.linalg import splu

    links = links_of(triangles, len(points))[fixed:]
    inside = (diags(np.asarray(links.sum(axis=1)).reshape(-1)) - links[:, fixed:]).tocsc()
    return np.asarray(splu(inside).solve(links[:, :fixed] @ points[:fixed]))


def _sew(
    outer: NDArray[np.int64], outer_at: Floats, inner: NDArray[np.int64], inner_at: Floats
) -> list[tuple[int, int, int]]:
    """Triangles between two closed rings whose vertices are at these shares of the way around."""
    i = j = 0
    a, b = np.append(outer_at, 1.0), np.append(inner_at, 1.0)
    faces = []
    while i < len(outer) or j < len(inner):
        o, p = int(outer[i % len(outer)]), int(inner[j % len(inner)])
        if j == len(inner) or (i < len(outer) and a[i + 1] <= b[j + 1]):
            faces.append((o, int(outer[(i + 1) % len(outer)]), p))
            i += 1
        else:
            faces.append((o, int(inner[(j + 1) % len(inner)]), p))
            j += 1
    return faces
