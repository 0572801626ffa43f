"""How far a mesh is from the true one.

All distances are from uniform samples of one surface to the *surface* of the other (exact closest points, not the
nearest sample), with both scaled by 1 / (longest box side of the truth):

    accuracy       mean distance from the reconstruction to the truth
    completeness   mean distance from the truth to the reconstruction
    Chamfer-L1     (accuracy + completeness) / 2, reported × 100
    F at 1 %       harmonic mean of the shares of both sets of distances below 0.01, in per cent
    normals        mean |n · n'| over both sets of closest pairs
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo3d.types import TriangleMesh

THRESHOLD = 0.01


@dataclass(frozen=True)
class MeshScore:
    """Numbers of one mesh against the truth; units as in the module's text."""

    chamfer_x100: float
    f_score: float
    normal_consistency: float
    watertight: bool
    self_intersections: bool
    components: int


def score_mesh(mesh: TriangleMesh, truth: TriangleMesh, samples: int = 10_000, seed: int = 0) -> MeshScore:
    """Compare a mesh with the true one."""
    size = float(np.ptp(truth.vertices, axis=0).max())
    d_accuracy, n_accuracy = _closest(mesh, truth, samples, seed)
    d_complete, n_complete = _closest(truth, mesh, samples, seed + 1)
    precision, recall = ((d < THRESHOLD * size).mean() for d in (d_accuracy, d_complete))
    return MeshScore(
        chamfer_x100=float(100 * (d_accuracy.mean() + d_complete.mean()) / 2 / size),
        f_score=float(100 * 2 * precision * recall / max(precision + recall, 1e-12)),
        normal_consistency=float((n_accuracy.mean() + n_complete.mean()) / 2),
        watertight=mesh.is_watertight,
        self_intersections=intersecting_edges(mesh) > 0,
        components=_components(mesh),
    )


def _closest(
    source: TriangleMesh, target: TriangleMesh, samples: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distances from samples of one surface to the other, and |cosine| between the normals there."""
    import open3d as o3d

    points, normals = sample_surface(source, samples, seed)
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(target.vertices.astype(np.float32), target.faces.astype(np.uint32))
    found = scene.compute_closest_points(points.astype(np.float32))
    distance = np.linalg.norm(found["points"].numpy() - points, axis=1)
    return distance, np.abs((found["primitive_normals"].numpy() * normals).sum(axis=1))


def sample_surface(mesh: TriangleMesh, count: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """[count, 3] points spread uniformly over the area, and the unit normals of their faces."""
    rng = np.random.default_rng(seed)
    a, b, c = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
    cross = np.cross(b - a, c - a)
    area = np.linalg.norm(cross, axis=1)
    face = rng.choice(len(area), count, p=area / area.sum())
    u, v = np.sqrt(rng.random(count))[:, None], rng.random(count)[:, None]
    points = a[face] * (1 - u) + b[face] * u * (1 - v) + c[face] * u * v
    return points, cross[face] / area[face][:, None]


def intersecting_edges(mesh: TriangleMesh) -> int:
    """How many edges pierce a triangle that they share no vertex with (found by ray casting along every edge)."""
    import open3d as o3d

    f = mesh.faces
    edges = np.unique(np.sort(np.concatenate([f[:, [0, 1]], f[:, [1, 2]], f[:, [2, 0]]]), axis=1), axis=0)
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


def _components(mesh: TriangleMesh) -> int:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    f = mesh.faces
    ones = np.ones(2 * len(f), dtype=np.int8)
    links = coo_matrix((ones, (np.r_[f[:, 0], f[:, 1]], np.r_[f[:, 1], f[:, 2]])), shape=(len(mesh.vertices),) * 2)
    count, label = connected_components(links, directed=False)
    return len(np.unique(label[f[:, 0]])) if count else 0
