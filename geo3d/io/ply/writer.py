"""PLY files from columns."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from geo3d.io.ply.header import BYTE_ORDERS
from geo3d.io.text import format_columns

PlyEncoding = Literal["binary_little_endian", "binary_big_endian", "ascii"]

_NAMES = {
    "i1": "char",
    "u1": "uchar",
    "i2": "short",
    "u2": "ushort",
    "i4": "int",
    "u4": "uint",
    "f4": "float",
    "f8": "double",
}


def encode_ply(
    vertices: dict[str, NDArray[Any]],  # name -> [N]
    faces: NDArray[Any] | None = None,  # [F, 3] int32
    comments: list[str] | None = None,
    encoding: PlyEncoding = "binary_little_endian",
) -> bytes:
    """Return a PLY file with a vertex element and, if `faces` is given, a face element."""
    size = len(next(iter(vertices.values())))
    lines = ["ply", f"format {encoding} 1.0", *(f"comment {c}" for c in comments or []), f"element vertex {size}"]
    lines += [f"property {_NAMES[column.dtype.str[1:]]} {name}" for name, column in vertices.items()]
    if faces is not None:
        lines += [f"element face {len(faces)}", "property list uchar int vertex_indices"]
    header = "\n".join([*lines, "end_header", ""]).encode("latin-1", "replace")
    if encoding == "ascii":
        rows = [] if faces is None else [np.full(len(faces), 3, np.uint8), *faces.T]
        return header + format_columns(list(vertices.values())) + format_columns(rows)
    order = BYTE_ORDERS[encoding]
    table = np.zeros(size, [(f"p{i}", c.dtype.newbyteorder(order)) for i, c in enumerate(vertices.values())])
    for i, column in enumerate(vertices.values()):
        table[f"p{i}"] = column
    parts = [header, table.tobytes()]
    if faces is not None:
        triangles = np.zeros(len(faces), [("n", "u1"), ("v", np.dtype("i4").newbyteorder(order), (3,))])
        triangles["n"] = 3
        triangles["v"] = faces
        parts.append(triangles.tobytes())
    return b"".join(parts)
