"""Fewer faces."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo3d.types import TriangleMesh
from geo3d_recon.intersections import intersecting_edges
from geo3d_recon.support import drop_unused

_AGGRESSIVENESS = 3  # of the quick reduction, 7 by default there: fewer shells break
_REACHED = 1.04  # times the faces that were asked for: near enough
# What so many samples can tell: marching spends twice to three times as many triangles on the same surface.
_FACES_A_POINT, _FEWEST = 12, 6_000


def enough_faces(points: int) -> int:
    """How many faces a surface of so many samples needs."""
    return _FACES_A_POINT * points + _FEWEST


def simplify(mesh: TriangleMesh, faces: int) -> TriangleMesh:
    """Reduce to about `faces` by quadric edge collapse (Garland and Heckbert 1997).

    A closed mesh stays closed, and one that does not pass through itself stays so: a target that would break that is
    raised until it does not.  The quick one of `fast_simplification` is tried first, then Open3D's, which breaks less.
    """
    if faces >= len(mesh.faces):
        return mesh
    closed = mesh.is_watertight
    simple = closed or not intersecting_edges(mesh)
    quick = _quick(mesh, faces)
    # It stops early where it would have to be aggressive.
    if len(quick.faces) <= _REACHED * faces and _as_good(quick, closed, simple):
        return quick
    target = faces
    while target < len(mesh.faces):
        reduced = mesh.to_open3d().simplify_quadric_decimation(target)
        reduced.remove_degenerate_triangles()
        reduced.remove_unreferenced_vertices()
        result = TriangleMesh.from_open3d(reduced)
        result = TriangleMesh(result.vertices, result.faces)
        if _as_good(result, closed, simple):
            return result
        target = int(target * 1.5) + 4
    return mesh


def simplify_closed(mesh: TriangleMesh, faces: int) -> TriangleMesh:
    """A closed mesh that does not pass through itself with about `faces`, if that is quickly had; else as it is.

    Thin shells, on whose two sides the collapses collide, mostly stay as they are.
    """
    if faces >= len(mesh.faces):
        return mesh
    quick = _quick(mesh, faces)
    return quick if _as_good(quick, closed=True, simple=True) else mesh


def _quick(mesh: TriangleMesh, faces: int) -> TriangleMesh:
    from fast_simplification import simplify

    # It works in single precision, so about the origin.
    middle = (mesh.vertices.min(axis=0) + mesh.vertices.max(axis=0)) / 2
    vertices, triangles = simplify(
        (mesh.vertices - middle).astype(np.float32),
        mesh.faces.astype(np.int32),
        target_count=faces,
        agg=_AGGRESSIVENESS,
    )
    result = TriangleMesh(vertices.astype(np.float64) + middle, _without_flaps(triangles).astype(np.int32))
    return drop_unused(result)


def _without_flaps(faces: NDArray[np.integer]) -> NDArray[np.integer]:
    """The faces without those whose corners another has too: what is left of a spike that was flattened."""
    _, group, count = np.unique(np.sort(faces, axis=1), axis=0, return_inverse=True, return_counts=True)
    return np.asarray(faces[count[group.reshape(-1)] == 1])


def _as_good(mesh: TriangleMesh, closed: bool, simple: bool) -> bool:
    return len(mesh.faces) >= 4 and (mesh.is_watertight or not closed) and not (simple and intersecting_edges(mesh) > 0)
