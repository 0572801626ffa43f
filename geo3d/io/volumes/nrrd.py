"""NRRD with its data in the same file: the header's text is kept as it is."""

from __future__ import annotations

import gzip
import math
import re
import zlib
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError
from geo3d.io.files import existing_file
from geo3d.io.volumes.volume import Volume, native, write_voxels
from geo3d.optional import require

_RATIO = 1040
_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


class NrrdFormat:
    """`.nrrd`, encodings raw, gzip and bzip2 and text; written back as raw or gzip."""

    name = "nrrd"
    suffixes = (".nrrd",)

    def read(self, path: Path) -> Volume:
        nrrd = require("nrrd", "volume", "reading NRRD", "pynrrd")
        size = existing_file(path).stat().st_size
        with path.open("rb") as stream:
            data = stream.read(1 << 20)
        end = re.search(rb"\r?\n\r?\n", data)
        if not data.startswith(b"NRRD") or end is None:
            raise FormatError(f"{path} is not an NRRD file with its data inside")
        try:
            with path.open("rb") as stream:
                header = nrrd.read_header(stream)
                if "data file" in header or "datafile" in header:
                    raise FormatError(f"{path} keeps its data in other files; join them first")
                shape = tuple(int(n) for n in header["sizes"])
                limit = size * (1 if header["encoding"] == "raw" else _RATIO) + 65536
                if not 1 <= len(shape) <= 4 or not 0 < math.prod(shape) <= limit:
                    raise FormatError(f"{path}: an NRRD of sizes {list(shape)} does not fit a file of {size} bytes")
                voxels = nrrd.read_data(header, stream, None, index_order="C")
        except (nrrd.NRRDError, ValueError, KeyError, EOFError, OSError, zlib.error, OverflowError) as error:
            if isinstance(error, FormatError):
                raise
            raise FormatError(f"{path} is damaged: {error}") from error
        if voxels.dtype.kind not in "iuf":
            raise FormatError(f"{path}: volumes of numbers are read, got {voxels.dtype}")
        return Volume(native(voxels), _affine(header), self.name, data[: end.end()])

    def write(self, path: Path, volume: Volume) -> None:
        if volume.source == self.name:
            head = volume.header
            encoding = _field(head, b"encoding")
            big = _field(head, b"endian") == b"big"
            if encoding not in (b"raw", b"gzip", b"gz"):
                head = re.sub(rb"(?im)^encoding:[^\r\n]*", b"encoding: gzip", head)
        else:
            head, encoding, big = _new_header(volume), b"gzip", False
        dtype = volume.voxels.dtype.newbyteorder(">" if big else "<")
        with path.open("wb") as file:
            file.write(head)
            with nullcontext(file) if encoding == b"raw" else gzip.GzipFile("", "wb", 6, file, mtime=0) as out:
                write_voxels(out, volume.voxels, dtype)


def _field(head: bytes, name: bytes) -> bytes:
    found = re.search(rb"(?im)^" + name + rb":[ \t]*([^\r\n]*)", head)
    return found.group(1).strip().lower() if found else b""


def _affine(header: dict[str, Any]) -> NDArray[np.float64] | None:
    directions = header.get("space directions")
    affine = np.eye(4)
    if directions is not None:
        rows = np.asarray(directions, np.float64)
        rows = rows[np.isfinite(rows).all(axis=1)]
        if rows.shape != (3, 3):
            return None
        affine[:3, :3] = rows.T
        affine[:3, 3] = np.asarray(header.get("space origin", np.zeros(3)), np.float64)
        space = str(header.get("space", "")).lower()
        return _LPS @ affine if space in ("left-posterior-superior", "lps") else affine
    if "spacings" in header:
        steps = np.asarray(header["spacings"], np.float64)
        steps = np.where(np.isfinite(steps), steps, 1.0)[:3]
        affine[range(len(steps)), range(len(steps))] = steps
        return affine
    return None


_TYPES = {
    "int8": "int8", "uint8": "uint8", "int16": "int16", "uint16": "uint16", "int32": "int32", "uint32": "uint32",
    "int64": "int64", "uint64": "uint64", "float32": "float", "float64": "double", "bool": "uint8",
}  # fmt: skip


def _new_header(volume: Volume) -> bytes:
    voxels = volume.voxels
    if voxels.dtype.name not in _TYPES:
        raise FormatError(f"NRRD cannot hold {voxels.dtype} (allowed: {', '.join(_TYPES)})")
    lines = [
        "NRRD0005", f"type: {_TYPES[voxels.dtype.name]}", f"dimension: {voxels.ndim}",
        f"sizes: {' '.join(map(str, voxels.shape[::-1]))}", "endian: little", "encoding: gzip",
    ]  # fmt: skip
    if volume.affine is not None and voxels.ndim in (3, 4):
        columns = [f"({','.join(repr(float(v)) for v in volume.affine[:3, k])})" for k in range(3)]
        origin = ",".join(repr(float(v)) for v in volume.affine[:3, 3])
        lines += [
            "space: right-anterior-superior",
            f"space directions: {' '.join(columns + ['none'] * (voxels.ndim - 3))}",
            f"space origin: ({origin})",
        ]
    return ("\n".join(lines) + "\n\n").encode()
