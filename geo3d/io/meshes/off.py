"""Object File Format: OFF, and COFF with colours."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from geo3d.errors import FormatError
from geo3d.io.colors import colors_from
from geo3d.io.files import read_bytes
from geo3d.io.meshes.faces import triangulate
from geo3d.io.text import format_columns, parse_numbers
from geo3d.types import TriangleMesh

logger = logging.getLogger("geo3d.io")

# Columns beside x y z that a first word promises; 4OFF and nOFF have other dimensions.
_COLUMNS = {"OFF": 0, "COFF": 4, "NOFF": 3, "STOFF": 2}


class OffMesh:
    """OFF in text, with vertex colours as COFF; colours of faces are left out."""

    name = "OFF"
    suffixes = (".off",)

    def read(self, path: Path) -> TriangleMesh:
        try:
            return self._parse(read_bytes(path))
        except FormatError as error:
            raise FormatError(f"{path}: {error}") from None

    def _parse(self, data: bytes) -> TriangleMesh:
        lines = [stripped for line in data.splitlines() if (stripped := line.split(b"#")[0].strip())]
        first = lines[0].split()[0].decode("latin-1") if lines else ""
        # Some ModelNet files glue the counts to the first word: "OFF490 518 0".
        kind = first.rstrip("0123456789").upper()
        if kind not in _COLUMNS:
            raise FormatError(f"an OFF file begins with one of {', '.join(_COLUMNS)}, not '{first[:20]}'")
        lines[0] = lines[0][len(kind) :].strip()
        lines = lines if lines[0] else lines[1:]
        counts = parse_numbers(lines[0]) if lines else np.zeros(0)
        if len(counts) < 2 or not (counts[:2] == np.floor(counts[:2])).all() or counts[:2].min() < 0:
            raise FormatError("an OFF file needs the numbers of vertices and faces after its first word")
        vertex_count, face_count = float(counts[0]), float(counts[1])
        if vertex_count + face_count > len(lines) - 1:
            raise FormatError(
                f"the header promises {counts[0]:.0f} vertices and {counts[1]:.0f} faces, "
                f"the file has {len(lines) - 1} lines"
            )
        split = 1 + int(vertex_count)
        table = parse_numbers(b"\n".join(lines[1:split]))
        width = len(table) // int(vertex_count) if vertex_count else 3
        if width < 3 or len(table) != width * int(vertex_count):
            raise FormatError(f"{int(vertex_count)} vertices are not {len(table)} numbers")
        rows = table.reshape(-1, width)
        if not np.isfinite(rows[:, :3]).all():
            raise FormatError("the mesh has vertices that are not finite")
        colors = colors_from(rows[:, 3:6])[0] if kind in ("OFF", "COFF") and width >= 6 else None
        numbers = [line.split() for line in lines[split : split + int(face_count)]]
        try:
            lengths = np.array([int(row[0]) for row in numbers], np.int64)
            if any(len(row) <= n or n < 0 for row, n in zip(numbers, lengths, strict=True)):
                raise FormatError("a face has fewer corners than it says")
            corners = np.array(
                [int(c) for row, n in zip(numbers, lengths, strict=True) for c in row[1 : n + 1]], np.int64
            )
        except (ValueError, OverflowError) as error:
            raise FormatError(f"a face is not made of whole numbers ({error})") from None
        return TriangleMesh(rows[:, :3].copy(), triangulate(lengths, corners, len(rows)), colors)

    def write(self, path: Path, mesh: TriangleMesh) -> None:
        if mesh.vertex_normals is not None:
            logger.warning("OFF is written without normals")
        columns = list(mesh.vertices.T)
        if mesh.vertex_colors is not None:
            columns += [*mesh.vertex_colors.T, np.full(len(mesh.vertices), 255)]
        faces = [np.full(len(mesh.faces), 3), *mesh.faces.T]
        head = f"{'OFF' if mesh.vertex_colors is None else 'COFF'}\n{len(mesh.vertices)} {len(mesh.faces)} 0\n"
        path.write_bytes(head.encode() + format_columns(columns) + format_columns(faces))
