"""Triangles where an open surface left samples out.

A ball that rolls over a scan falls through where samples stand far apart: beside depth edges, on things of a few
pixels.  What was measured there is joined to its neighbours as it is, in the plane of each cluster.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo3d.ops import knn
from geo3d.types import TriangleMesh

Floats = NDArray[np.float64]
_MISSED = 0.01  # of the longest side: farther from the surface a sample counts as left out
_LONGEST = 0.03  # edge; a surface farther than that from all samples is none of theirs
_NEIGHBOURS = 3  # of each sample left out that may join its cluster
_NARROW = 0.05  # height of a triangle by its longest edge below which it covers nothing


def cover_missed(mesh: TriangleMesh, points: Floats) -> TriangleMesh:
    """The surface, and triangles among samples [N, 3] in the unit box that lie more than a hundredth from it.

    Lone samples, with no two others near, stay out: noise, as a rule.
    """
    import open3d as o3d

    scene = o3d.t.geometry.RaycastingScene(nthreads=1)
    scene.add_triangles(mesh.vertices.astype(np.float32), mesh.faces.astype(np.uint32))
    missed = scene.compute_distance(points.astype(np.float32)).numpy() > _MISSED
    if not missed.any():
        return mesh
    _, near = knn(points, points[missed], min(_NEIGHBOURS + 1, len(points)))
    faces = [_triangulate(points, cluster, missed) for cluster in _clusters(points, near)]
    added = np.concatenate([np.zeros((0, 3), dtype=np.int64), *faces])
    if not len(added):
        return mesh
    used, index = np.unique(added, return_inverse=True)
    return TriangleMesh(
        np.concatenate([mesh.vertices, points[used]]),
        np.concatenate([mesh.faces, (index.reshape(-1, 3) + len(mesh.vertices)).astype(np.int32)]),
    )


def _clusters(points: Floats, near: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Indices of samples that hang together over links shorter than `_LONGEST`; near [M, K] starts with itself."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    a, b = np.repeat(near[:, 0], near.shape[1] - 1), near[:, 1:].reshape(-1)
    close = np.linalg.norm(points[a] - points[b], axis=1) < _LONGEST
    a, b = a[close], b[close]
    members, index = np.unique(np.concatenate([a, b]), return_inverse=True)
    if not len(members):
        return []
    links = coo_matrix((np.ones(len(a)), (index[: len(a)], index[len(a) :])), shape=(len(members),) * 2)
    count, label = connected_components(links, directed=False)
    return [members[label == c] for c in range(count)]


def _triangulate(points: Floats, cluster: NDArray[np.int64], missed: NDArray[np.bool_]) -> NDArray[np.int64]:
    """[F, 3] Delaunay triangles of a cluster in its plane: short ones that hold a sample left out."""
    from scipy.spatial import Delaunay, QhullError

    none = np.zeros((0, 3), dtype=np.int64)
    if len(cluster) < 3:
        return none
    p = points[cluster]
    _, spread, axes = np.linalg.svd(p - p.mean(axis=0), full_matrices=False)
    if spread[-1] > _MISSED * np.sqrt(len(p)):  # thicker than that it would be laid over itself
        return none
    try:
        faces = cluster[Delaunay(p @ axes[:2].T).simplices]
    except QhullError:  # all in one line
        return none
    corners = points[faces]
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    keep = missed[faces].any(axis=1) & (longest < _LONGEST) & (area > _NARROW * longest**2)
    return np.asarray(faces[keep], dtype=np.int64)
