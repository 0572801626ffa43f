"""Where a mesh passes through itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo3d.types import TriangleMesh


def intersecting_edges(mesh: TriangleMesh) -> int:
    """How many edges pierce a triangle that they share no vertex with (found by ray casting along every edge)."""
    import open3d as o3d

    f = mesh.faces
    ends = np.sort(np.concatenate([f[:, [0, 1]], f[:, [1, 2]], f[:, [2, 0]]]), axis=1).astype(np.int64)
    edges = np.stack(np.divmod(np.unique(ends[:, 0] << 32 | ends[:, 1]), 1 << 32), axis=-1)
    start, end = mesh.vertices[edges[:, 0]], mesh.vertices[edges[:, 1]]
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(mesh.vertices.astype(np.float32), f.astype(np.uint32))
    rays = np.concatenate([start, end - start], axis=1).astype(np.float32)
    hits = scene.list_intersections(rays)
    ray, triangle = (hits[k].numpy().astype(np.int64) for k in ("ray_ids", "primitive_ids"))
    own = (f[triangle][:, :, None] == edges[ray][:, None, :]).any(axis=(1, 2))
    ray, triangle = ray[~own], triangle[~own]
    # The rays are float32: what they found is confirmed in double precision.
    return len(np.unique(ray[_pierces(start[ray], end[ray], mesh.vertices[f[triangle]])]))


def _pierces(start: NDArray[np.float64], end: NDArray[np.float64], corners: NDArray[np.float64]) -> NDArray[np.bool_]:
    """[M] bool: segment i passes through the inside of triangle i (Möller and Trumbore 1997)."""
    direction, e1, e2 = end - start, corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    p = np.cross(direction, e2)
    det = (e1 * p).sum(axis=1)
    # A segment in the triangle's plane, or an empty triangle, has det = 0 and counts as not piercing.
    ok = np.abs(det) > 1e-300
    inverse = np.where(ok, 1 / np.where(ok, det, 1), 0)
    s = start - corners[:, 0]
    q = np.cross(s, e1)
    u, v, t = ((a * b).sum(axis=1) * inverse for a, b in ((s, p), (direction, q), (e2, q)))
    edge = 1e-9
    return (u > edge) & (v > edge) & (u + v < 1 - edge) & (t > edge) & (t < 1 - edge)
