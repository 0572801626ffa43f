"""Clouds that need not fit into memory: read piece by piece, written piece by piece."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError
from geo3d.io.files import existing_file, read_start
from geo3d.io.ply import cloud_from_vertices, encode_ply, parse_header, vertices_from_cloud
from geo3d.io.ply.header import BYTE_ORDERS, LARGEST_HEADER
from geo3d.types import PointCloud

# Where a piece ends; the last one is shorter.
PIECE_POINTS = 1 << 20


@dataclass(frozen=True)
class PointPieces:
    """A file of `count` points whose rows lie behind each other from `offset` on; iterating reads them in pieces.

    Iterating maps one piece at a time, so that the pages of earlier pieces are not held.
    """

    path: Path
    count: int
    offset: int
    row: np.dtype[Any]
    format: Literal["npy", "ply"]
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __iter__(self) -> Iterator[PointCloud]:
        for first in range(0, self.count, PIECE_POINTS):
            size = min(PIECE_POINTS, self.count - first)
            rows = np.fromfile(self.path, self.row, size, offset=self.offset + first * self.row.itemsize)
            if len(rows) < size:
                raise FormatError(f"{self.path} ends after {first + len(rows)} of {self.count} points")
            yield self._cloud(rows)

    def _cloud(self, rows: NDArray[Any]) -> PointCloud:
        if self.format == "npy":
            return PointCloud(rows["points"].astype(rows["points"].dtype.newbyteorder("=")))
        columns = {n: rows[n].astype(rows[n].dtype.newbyteorder("=")) for n in self.row.names or ()}
        return cloud_from_vertices(columns)  # type: ignore[arg-type]


def point_pieces(path: str | Path) -> PointPieces | None:
    """The pieces of an `.npy` [N, 3] or a binary PLY of fixed rows; None for files that must be read whole."""
    path = existing_file(path)
    if path.suffix.lower() == ".npy":
        return _npy(path)
    return _ply(path) if path.suffix.lower() == ".ply" else None


def _npy(path: Path) -> PointPieces | None:
    try:
        table = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError, SyntaxError, TypeError):
        # The reader of whole files says what is wrong.
        return None
    plain = table.ndim == 2 and table.shape[1] == 3 and table.flags.c_contiguous and table.dtype.kind in "iuf"
    if not plain or table.dtype == np.float16 or not isinstance(table, np.memmap):
        return None
    return PointPieces(path, len(table), int(table.offset), np.dtype([("points", table.dtype, (3,))]), "npy")


def _ply(path: Path) -> PointPieces | None:
    try:
        header = parse_header(read_start(path, LARGEST_HEADER))
    except FormatError:
        return None
    if header.encoding == "ascii" or not header.elements or header.elements[0].name != "vertex":
        return None
    vertex = header.elements[0]
    # Arrays that comments declare are put together by the reader of whole files.
    if any(p.count is not None for p in vertex.properties) or any("geo3d array" in c for c in header.comments):
        return None
    order = BYTE_ORDERS[header.encoding]
    row = np.dtype([(p.name, p.dtype.newbyteorder(order)) for p in vertex.properties])
    if not {"x", "y", "z"} <= set(row.names or ()) or header.body + vertex.size * row.itemsize > path.stat().st_size:
        return None
    metadata = {"comments": header.comments} if header.comments else {}
    return PointPieces(path, vertex.size, header.body, row, "ply", metadata)


def can_write_pieces(path: str | Path) -> bool:
    """Whether `write_pieces` knows the suffix."""
    return Path(path).suffix.lower() in (".npy", ".ply")


def write_pieces(path: Path, count: int, pieces: Iterator[PointCloud]) -> None:
    """Write `count` points to `path` (`.npy` or `.ply`), which the caller renames into place.

    All pieces have the dtypes and attributes of the first; `.npy` keeps their coordinates alone.
    """
    written = 0
    with path.open("wb") as stream:
        for piece in pieces:
            if path.suffix.lower() == ".npy":
                head, body = _npy_bytes(piece, count)
            else:
                head, body = _ply_bytes(piece, count)
            stream.write(body if written else head + body)
            written += len(piece)
    if written != count:
        raise FormatError(f"{path}: {written} points came instead of the {count} that were announced")


def _npy_bytes(piece: PointCloud, count: int) -> tuple[bytes, bytes]:
    import io

    points = np.ascontiguousarray(piece.points)
    head = io.BytesIO()
    descr = np.lib.format.dtype_to_descr(points.dtype)
    np.lib.format.write_array_header_1_0(head, {"descr": descr, "fortran_order": False, "shape": (count, 3)})
    return head.getvalue(), points.tobytes()


def _ply_bytes(piece: PointCloud, count: int) -> tuple[bytes, bytes]:
    columns, comments = vertices_from_cloud(piece)
    data = encode_ply(columns, None, comments)
    mark = b"end_header\n"
    end = data.index(mark) + len(mark)
    declared = f"element vertex {len(piece)}\n".encode()
    return data[:end].replace(declared, f"element vertex {count}\n".encode(), 1), data[end:]
