"""Clouds that need not fit into memory: read piece by piece, written piece by piece."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError
from geo3d.io.files import existing_file, read_start
from geo3d.io.ply import cloud_from_vertices, encode_ply, parse_header, vertices_from_cloud
from geo3d.io.ply.header import BYTE_ORDERS, LARGEST_HEADER
from geo3d.io.ply.vertices import COLOR_NAMES
from geo3d.io.points.las_header import check_sizes
from geo3d.io.points.las_reading import LasPieces
from geo3d.io.points.las_writing import write_las
from geo3d.types import PointCloud

# Where a piece ends; the last one is shorter.
PIECE_POINTS = 1 << 20


class Pieces(Protocol):
    """A file of `count` points; iterating, as often as wanted, gives them in pieces of the same attributes."""

    @property
    def count(self) -> int: ...

    @property
    def metadata(self) -> Mapping[str, Any]: ...

    def __iter__(self) -> Iterator[PointCloud]: ...


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


def point_pieces(path: str | Path, least: int = 0) -> Pieces | None:
    """The pieces of an `.npy` [N, 3], a binary PLY of fixed rows, or LAS and LAZ; None for files that must be read
    whole, and for those of fewer than `least` points.
    """
    path = existing_file(path)
    if path.suffix.lower() in (".las", ".laz"):
        return LasPieces.of(path) if check_sizes(path).point_count >= least else None
    pieces = _rows(path)
    return pieces if pieces is not None and pieces.count >= least else None


def _rows(path: Path) -> PointPieces | None:
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
    # Colours of other types become 8 bits as all of them allow.
    if any(row[n] != np.uint8 for names in COLOR_NAMES for n in names if n in (row.names or ())):
        return None
    if not {"x", "y", "z"} <= set(row.names or ()) or header.body + vertex.size * row.itemsize > path.stat().st_size:
        return None
    metadata = {"comments": header.comments} if header.comments else {}
    return PointPieces(path, vertex.size, header.body, row, "ply", metadata)


def can_write_pieces(path: str | Path, dtypes: Iterable[str] = ()) -> bool:
    """Whether `write_pieces` knows the suffix, and how to write these types without having seen all values."""
    suffix = Path(path).suffix.lower()
    # 64-bit integers become what PLY has and holds them.
    return suffix in (".npy", ".las", ".laz") or (suffix == ".ply" and not {"int64", "uint64"} & set(dtypes))


def write_pieces(path: Path, count: int, pieces: Iterator[PointCloud]) -> None:
    """Write `count` points to `path` (`.npy`, `.ply`, `.las` or `.laz`), which the caller renames into place.

    All pieces have the dtypes and attributes of the first; `.npy` keeps their coordinates alone.  LAS, whose header
    depends on all values, goes by way of temporary files.
    """
    if path.suffix.lower() in (".las", ".laz"):
        with tempfile.TemporaryDirectory(prefix="geo3d-") as folder:
            kept = _Kept.of(Path(folder), pieces)
            _require(path, kept.count, count)
            write_las(path, kept)
        return
    written = 0
    with path.open("wb") as stream:
        for piece in pieces:
            if path.suffix.lower() == ".npy":
                head, body = _npy_bytes(piece, count)
            else:
                head, body = _ply_bytes(piece, count)
            stream.write(body if written else head + body)
            written += len(piece)
    _require(path, written, count)


def _require(path: Path, found: int, announced: int) -> None:
    if found != announced:
        raise FormatError(f"{path}: {found} points came instead of the {announced} that were announced")


@dataclass(frozen=True)
class _Kept:
    """Pieces in a folder's files; iterating reads them again."""

    folder: Path
    pieces: tuple[PointCloud, ...]
    count: int

    @staticmethod
    def of(folder: Path, pieces: Iterator[PointCloud]) -> _Kept:
        """Put the arrays of pieces into files; what is left of them is held."""
        empty, count = [], 0
        for number, piece in enumerate(pieces):
            for k, array in enumerate(_arrays(piece)):
                np.save(folder / f"{number}-{k}.npy", array)
            empty.append(piece[:0])
            count += len(piece)
        return _Kept(folder, tuple(empty), count)

    def __iter__(self) -> Iterator[PointCloud]:
        for number, piece in enumerate(self.pieces):
            arrays = (np.load(self.folder / f"{number}-{k}.npy") for k in range(len(_arrays(piece))))
            yield replace(
                piece,
                points=next(arrays),
                colors=None if piece.colors is None else next(arrays),
                normals=None if piece.normals is None else next(arrays),
                attributes={name: next(arrays) for name in piece.attributes},
            )


def _arrays(cloud: PointCloud) -> list[NDArray[Any]]:
    fixed = (cloud.points, cloud.colors, cloud.normals)
    return [a for a in (*fixed, *cloud.attributes.values()) if a is not None]


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
