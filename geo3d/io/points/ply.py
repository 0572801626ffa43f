"""PLY clouds, ascii and binary of either byte order."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from geo3d.errors import FormatError
from geo3d.io.files import read_bytes
from geo3d.io.ply import PlyEncoding, cloud_from_vertices, encode_ply, parse_header, read_elements, vertices_from_cloud
from geo3d.types import PointCloud


class PlyFormat:
    """PLY: every scalar property of the vertices is kept with its type; faces and list properties are left out."""

    name = "PLY"
    suffixes = (".ply",)
    keeps = "everything, dtypes included"

    def read(self, path: Path) -> PointCloud:
        data = read_bytes(path)
        try:
            header = parse_header(data)
            if header.element("vertex") is None:
                names = ", ".join(e.name for e in header.elements) or "none"
                raise FormatError(f"no element 'vertex' (elements: {names})")
            return cloud_from_vertices(read_elements(data, header, ("vertex",))["vertex"], header.comments)
        except FormatError as error:
            raise FormatError(f"{path}: {error}") from None

    def write(self, path: Path, cloud: PointCloud, *, encoding: PlyEncoding = "binary_little_endian") -> None:
        """Write in the cloud's own dtypes; `encoding` is binary_little_endian, binary_big_endian or ascii."""
        if encoding not in get_args(PlyEncoding):
            raise FormatError(f"unknown PLY encoding '{encoding}' (known: {', '.join(get_args(PlyEncoding))})")
        columns, comments = vertices_from_cloud(cloud)
        path.write_bytes(encode_ply(columns, None, comments, encoding))
