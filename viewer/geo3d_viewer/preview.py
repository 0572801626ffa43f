"""A part of a large cloud's file, read without reading the rest: the first picture while everything loads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from geo3d.errors import FormatError
from geo3d.io.ply import cloud_from_vertices, parse_header
from geo3d.io.ply.header import BYTE_ORDERS
from geo3d.types import PointCloud, as_points
from geo3d_viewer.lod import FIRST_POINTS

_LARGE_FILE = 64 << 20
_MOST_HEADER = 1 << 20
_LARGE_PACKED = 3 << 20


def preview_points(path: Path, budget: int, large: int = _LARGE_FILE) -> PointCloud | None:
    """About `budget` points of a large binary PLY or NPY file, every k-th in file order.

    None where the file is small, of another kind, or not as simple as it would have to be: then it is read whole.
    """
    if not path.is_file() or path.stat().st_size < large:
        return None
    if path.suffix.lower() == ".npy":
        return _npy(path, budget)
    return _ply(path, budget) if path.suffix.lower() == ".ply" else None


def stages(paths: Sequence[str]) -> tuple[int | None, ...]:
    """How many points of large clouds `load_scene` should take, time after time, until it has all (None).

    Decoding takes longer than reading: large `.g3c` files have a stage between.
    """
    files = [p for p in map(Path, paths) if p.is_file()]
    packed = [p.stat().st_size for p in files if p.suffix.lower() == ".g3c"]
    if packed:
        return (FIRST_POINTS, 1_500_000, None) if max(packed) >= _LARGE_PACKED else (FIRST_POINTS, None)
    return (FIRST_POINTS, None) if any(p.stat().st_size >= _LARGE_FILE for p in files) else (None,)


def _npy(path: Path, budget: int) -> PointCloud | None:
    try:
        table = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError):
        return None
    if table.ndim != 2 or table.shape[1] != 3:
        return None
    return PointCloud(as_points(np.array(table[:: -(-len(table) // budget)]), finite=False))


def _ply(path: Path, budget: int) -> PointCloud | None:
    try:
        with path.open("rb") as file:
            header = parse_header(file.read(_MOST_HEADER))
        if header.encoding == "ascii" or not header.elements or header.elements[0].name != "vertex":
            return None
        vertex = header.elements[0]
        has_faces = any(e.name == "face" and e.size for e in header.elements)
        if has_faces or not vertex.size or any(p.count is not None for p in vertex.properties):
            return None
        order = BYTE_ORDERS[header.encoding]
        row = np.dtype([(p.name, p.dtype.newbyteorder(order)) for p in vertex.properties])
        if path.stat().st_size < header.body + vertex.size * row.itemsize:
            return None
        rows = np.memmap(path, row, "r", header.body, (vertex.size,))[:: -(-vertex.size // budget)]
        columns = {
            p.name: np.ascontiguousarray(rows[p.name], dtype=p.dtype.newbyteorder("=")) for p in vertex.properties
        }
        return cloud_from_vertices(dict(columns), header.comments)
    except FormatError:
        return None
