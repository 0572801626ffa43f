"""Wavefront OBJ: read by trimesh (materials, textures), written here (trimesh rounds coordinates)."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from geo3d.errors import FormatError
from geo3d.io.files import existing_file
from geo3d.io.meshes.scene import load_with_trimesh
from geo3d.io.text import format_columns
from geo3d.types import TriangleMesh

logger = logging.getLogger("geo3d.io")


class ObjMesh:
    """OBJ with colours after the coordinates; a texture becomes vertex colours."""

    name = "OBJ"
    suffixes = (".obj",)

    def read(self, path: Path) -> TriangleMesh:
        data = existing_file(path).read_bytes()
        if b"\0" in data:
            raise FormatError(f"{path}: zero bytes in what should be the text of an OBJ file")
        return load_with_trimesh(path, "obj", maintain_order=True)

    def write(self, path: Path, mesh: TriangleMesh) -> None:
        if mesh.vertex_normals is not None:
            logger.warning("OBJ is written without normals")
        rows = [np.full(len(mesh.vertices), "v"), *mesh.vertices.T]
        if mesh.vertex_colors is not None:
            rows += list(np.round(mesh.vertex_colors.T / 255.0, 6))
        faces = [np.full(len(mesh.faces), "f"), *(mesh.faces.T.astype(np.int64) + 1)]
        path.write_bytes(format_columns(rows) + format_columns(faces))
