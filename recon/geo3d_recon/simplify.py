"""Fewer faces."""

from __future__ import annotations

from geo3d.types import TriangleMesh
from geo3d_recon.intersections import intersecting_edges

# What so many samples can tell: marching spends about ten times as many triangles on the same surface.
_FACES_A_POINT, _FEWEST = 12, 6_000


def enough_faces(points: int) -> int:
    """How many faces a surface of so many samples needs."""
    return _FACES_A_POINT * points + _FEWEST


def simplify(mesh: TriangleMesh, faces: int) -> TriangleMesh:
    """Reduce to about `faces` by quadric edge collapse (Garland and Heckbert 1997), by Open3D.

    A closed mesh stays closed, and one that does not pass through itself stays so: a target that would break that is
    raised until it does not.
    """
    closed = mesh.is_watertight
    simple = closed or not intersecting_edges(mesh)
    target = faces
    while target < len(mesh.faces):
        reduced = mesh.to_open3d().simplify_quadric_decimation(target)
        reduced.remove_degenerate_triangles()
        reduced.remove_unreferenced_vertices()
        result = TriangleMesh.from_open3d(reduced)
        result = TriangleMesh(result.vertices, result.faces)
        broken = (closed and not result.is_watertight) or (simple and intersecting_edges(result) > 0)
        if len(result.faces) >= 4 and not broken:
            return result
        target = int(target * 1.5) + 4
    return mesh
