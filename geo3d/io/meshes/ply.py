"""PLY meshes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError
from geo3d.io.files import read_bytes
from geo3d.io.meshes.faces import triangulate
from geo3d.io.ply import (
    Header,
    ListColumn,
    cloud_from_vertices,
    encode_ply,
    parse_header,
    read_elements,
    vertices_from_cloud,
)
from geo3d.types import PointCloud, TriangleMesh

_LIST_NAMES = ("vertex_indices", "vertex_index")


def has_faces(header: Header) -> bool:
    """True if the file declares at least one face."""
    face = header.element("face")
    return face is not None and face.size > 0


class PlyMesh:
    """PLY with polygons in `vertex_indices` (or `vertex_index`); vertices with colours, normals and attributes."""

    name = "PLY"
    suffixes = (".ply",)

    def read(self, path: Path) -> TriangleMesh:
        data = read_bytes(path)
        try:
            header = parse_header(data)
            if header.element("vertex") is None or header.element("face") is None:
                raise FormatError("no mesh: it needs the elements 'vertex' and 'face'")
            elements = read_elements(data, header, ("vertex", "face"))
            cloud = cloud_from_vertices(elements["vertex"])
            if not np.isfinite(cloud.points).all():
                raise FormatError("the mesh has vertices that are not finite")
            column = next((c for n in _LIST_NAMES if isinstance(c := elements["face"].get(n), ListColumn)), None)
            if column is None:
                raise FormatError(f"the faces have no list {' or '.join(_LIST_NAMES)}")
            if column.values.dtype.kind == "f":
                raise FormatError("the faces' vertex indices are not integers")
            faces = triangulate(column.lengths, column.values, len(cloud))
        except FormatError as error:
            raise FormatError(f"{path}: {error}") from None
        return TriangleMesh(cloud.points.astype(np.float64), faces, cloud.colors, cloud.normals, cloud.attributes)

    def write(self, path: Path, mesh: TriangleMesh) -> None:
        """Write binary little-endian; vertices as float where that is exact, else as double."""
        vertices: NDArray[Any] = mesh.vertices
        single = vertices.astype(np.float32)
        if (single == vertices).all():
            vertices = single
        normals = None if mesh.vertex_normals is None else np.asarray(mesh.vertex_normals, np.float32)
        cloud = PointCloud(vertices, mesh.vertex_colors, normals, mesh.attributes)
        columns, comments = vertices_from_cloud(cloud)
        path.write_bytes(encode_ply(columns, mesh.faces, comments))
