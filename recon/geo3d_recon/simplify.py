"""Fewer faces."""

from __future__ import annotations

from geo3d.types import TriangleMesh


def simplify(mesh: TriangleMesh, faces: int) -> TriangleMesh:
    """Reduce to about `faces` by quadric edge collapse (Garland and Heckbert 1997), by Open3D.

    A closed mesh stays closed: a target that would open it is raised until it does not.
    """
    closed = mesh.is_watertight
    target = faces
    while target < len(mesh.faces):
        reduced = mesh.to_open3d().simplify_quadric_decimation(target)
        reduced.remove_degenerate_triangles()
        reduced.remove_unreferenced_vertices()
        result = TriangleMesh.from_open3d(reduced)
        result = TriangleMesh(result.vertices, result.faces)
        if len(result.faces) >= 4 and (not closed or result.is_watertight):
            return result
        target = int(target * 1.5) + 4
    return mesh
