"""A file that is a cloud or a mesh, whichever it holds."""

from __future__ import annotations

from pathlib import Path

from geo3d.errors import FormatError
from geo3d.io.files import bare_suffix, read_start
from geo3d.io.meshes import MESH_FORMATS, read_mesh
from geo3d.io.meshes.ply import has_faces
from geo3d.io.ply.header import LARGEST_HEADER, parse_header
from geo3d.io.points import POINT_FORMATS, read_points
from geo3d.types import PointCloud, TriangleMesh


def read_geometry(path: str | Path) -> PointCloud | TriangleMesh:
    """Read a point cloud or a mesh.  A PLY file with faces is a mesh, one without is a cloud."""
    known = {**POINT_FORMATS, **MESH_FORMATS}
    suffix = bare_suffix(path, tuple(known))
    if suffix not in known:
        raise FormatError(f"{path}: '{suffix or 'no suffix'}' is no known geometry format (known: {', '.join(known)})")
    if suffix == ".ply":
        try:
            header = parse_header(read_start(path, LARGEST_HEADER))
        except FormatError as error:
            raise FormatError(f"{path}: {error}") from None
        return read_mesh(path) if has_faces(header) else read_points(path)
    return read_points(path) if suffix in POINT_FORMATS else read_mesh(path)
