"""PCD files from columns."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError
from geo3d.io.text import format_columns

PcdEncoding = Literal["binary", "ascii", "binary_compressed"]


def encode_pcd(
    columns: dict[str, NDArray[Any]],  # name -> [N] or [N, K]
    encoding: PcdEncoding,
    size: tuple[int, int],  # width, height
    viewpoint: tuple[float, ...],
) -> bytes:
    """Return a PCD 0.7 file."""
    arrays = {k: v[:, None] if v.ndim == 1 else v for k, v in columns.items()}
    names = list(arrays)
    points = len(next(iter(arrays.values())))
    lines = [
        "# .PCD v0.7 - Point Cloud Data file format",
        "VERSION 0.7",
        f"FIELDS {' '.join(names)}",
        f"SIZE {' '.join(str(a.dtype.itemsize) for a in arrays.values())}",
        f"TYPE {' '.join(a.dtype.kind.upper() for a in arrays.values())}",
        f"COUNT {' '.join(str(a.shape[1]) for a in arrays.values())}",
        f"WIDTH {size[0]}",
        f"HEIGHT {size[1]}",
        f"VIEWPOINT {' '.join(f'{v:.17g}' for v in viewpoint)}",
        f"POINTS {points}",
        f"DATA {encoding}",
        "",
    ]
    if encoding == "ascii":
        flat = [column for a in arrays.values() for column in a.T]
        return "\n".join(lines).encode() + format_columns(flat)
    header = "\n".join(lines).encode()
    little = [np.ascontiguousarray(a.astype(a.dtype.newbyteorder("<"))) for a in arrays.values()]
    if encoding == "binary":
        raw = [a.view(np.uint8).reshape(points, a.shape[1] * a.itemsize) for a in little]
        return header + np.concatenate(raw, axis=1).tobytes()
    body = b"".join(a.tobytes() for a in little)
    if len(body) >= 1 << 32:
        raise FormatError("binary_compressed PCD holds less than 4 GiB; write encoding=binary")
    from geo3d.io.lzf import lzf_compress

    packed = lzf_compress(body)
    return header + np.array([len(packed), len(body)], "<u4").tobytes() + packed
