"""STL, binary and text: triangles without shared vertices, in single precision."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import numpy as np

from geo3d.errors import FormatError
from geo3d.io.files import read_bytes
from geo3d.io.meshes.faces import merge_equal_vertices
from geo3d.io.text import parse_numbers
from geo3d.types import TriangleMesh

logger = logging.getLogger("geo3d.io")

_FACET = np.dtype([("normal", "<f4", (3,)), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_VERTEX = re.compile(rb"^\s*vertex\s+(.*)$", re.MULTILINE | re.IGNORECASE)


class StlMesh:
    """STL.  Vertices with exactly the same coordinates become one, so that closed shapes read back closed."""

    name = "STL"
    suffixes = (".stl",)

    def read(self, path: Path) -> TriangleMesh:
        data = read_bytes(path)
        try:
            count = int.from_bytes(data[80:84], "little")
            if len(data) >= 84 and len(data) == 84 + count * _FACET.itemsize:
                with np.errstate(invalid="ignore"):
                    corners = np.frombuffer(data, _FACET, count, 84)["corners"].astype(np.float64).reshape(-1, 3)
            elif data.lstrip()[:5].lower() == b"solid" and b"\0" not in data:
                corners = self._parse_text(data)
            else:
                raise FormatError(
                    f"not a whole STL file: a binary one with {count} triangles has {84 + count * _FACET.itemsize} "
                    f"bytes, this one {len(data)}; a text one begins with 'solid'"
                )
            if not np.isfinite(corners).all():
                raise FormatError("the mesh has vertices that are not finite")
        except FormatError as error:
            raise FormatError(f"{path}: {error}") from None
        vertices, faces = merge_equal_vertices(corners, np.arange(len(corners)).reshape(-1, 3))
        return TriangleMesh(vertices, faces)

    def _parse_text(self, data: bytes) -> np.ndarray:
        if b"endsolid" not in data.lower():
            raise FormatError("the text ends before 'endsolid'")
        numbers = parse_numbers(b"\n".join(_VERTEX.findall(data)))
        if len(numbers) % 9:
            raise FormatError(f"{len(numbers)} coordinates are no whole number of triangles")
        return numbers.reshape(-1, 3)

    def write(self, path: Path, mesh: TriangleMesh) -> None:
        """Write binary STL.  Single precision: far from the origin it loses millimetres, which is logged."""
        lost = [n for n in ("vertex_colors", "vertex_normals") if getattr(mesh, n) is not None]
        corners = mesh.vertices[mesh.faces]
        single = corners.astype(np.float32)
        error = float(np.abs(single - corners).max(initial=0))
        if lost:
            logger.warning("STL is written without %s", ", ".join(lost))
        if error > 1e-4:
            logger.warning("STL holds single precision: vertices move by up to %.2g m (PLY and OBJ keep them)", error)
        facets = np.zeros(len(corners), _FACET)
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        facets["normal"] = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-300)
        facets["corners"] = single
        path.write_bytes(b"binary STL".ljust(80) + len(facets).to_bytes(4, "little") + facets.tobytes())
