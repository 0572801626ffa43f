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
from geo3d_recon.intersections import intersecting_edges

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


def _components(mesh: TriangleMesh) -> int:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    f = mesh.faces
    ones = np.ones(2 * len(f), dtype=np.int8)
    links = coo_matrix((ones, (np.r_[f[:, 0], f[:, 1]], np.r_[f[:, 1], f[:, 2]])), shape=(len(mesh.vertices),) * 2)
    count, label = connected_components(links, directed=False)
    return len(np.unique(label[f[:, 0]])) if count else 0
