"""A volume as it was stored: raw voxels, where they lie, and the header of the file that they came from."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from gzip import GzipFile
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError, ShapeError


@dataclass(frozen=True, eq=False)
class Volume:
    """Voxels and their place.

    voxels  [Z, Y, X] or [T, Z, Y, X], stored values (a rescale slope is not applied), x fastest
    affine  [4, 4] voxel index (x, y, z, 1) to millimetres, axes right-anterior-superior; None where unknown
    source  name of the format that `header` belongs to, "" if none
    header  what that format needs to write itself again with every field kept
    """

    voxels: NDArray[Any]
    affine: NDArray[np.float64] | None = None
    source: str = ""
    header: bytes = b""

    def __post_init__(self) -> None:
        if not 1 <= self.voxels.ndim <= 4 or not self.voxels.size:
            raise ShapeError(f"a volume has 1 to 4 dimensions and some voxels, got shape {list(self.voxels.shape)}")
        if self.affine is not None and self.affine.shape != (4, 4):
            raise ShapeError(f"an affine is 4x4, got {list(self.affine.shape)}")

    @property
    def spacing(self) -> tuple[float, float, float] | None:
        """Millimetres between voxels along x, y and z."""
        if self.affine is None:
            return None
        x, y, z = np.sqrt((self.affine[:3, :3] ** 2).sum(axis=0))
        return float(x), float(y), float(z)


class VolumeFormat(Protocol):
    """A file or folder format; `suffixes` of the names that mean it ("" for a folder)."""

    @property
    def name(self) -> str: ...

    @property
    def suffixes(self) -> tuple[str, ...]: ...

    def read(self, path: Path) -> Volume:
        """Read a file (or folder); `FormatError` says what is wrong with it."""
        ...

    def write(self, path: Path, volume: Volume) -> None:
        """Write to a path that does not exist yet."""
        ...


def pack_parts(parts: Sequence[bytes]) -> bytes:
    """Byte strings with their lengths in front."""
    return b"".join(struct.pack("<I", len(p)) + p for p in parts)


def unpack_parts(data: bytes) -> list[bytes]:
    """What `pack_parts` was given."""
    parts, position = [], 0
    while position < len(data):
        if position + 4 > len(data):
            raise FormatError("a volume's header is truncated")
        (length,) = struct.unpack_from("<I", data, position)
        position += 4
        if length > len(data) - position:
            raise FormatError(f"a volume's header is truncated: {length} bytes expected, {len(data) - position} left")
        parts.append(data[position : position + length])
        position += length
    return parts


def native(array: NDArray[Any]) -> NDArray[Any]:
    """C-ordered copy (or view) in the machine's byte order."""
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))


def write_voxels(file: IO[bytes] | GzipFile, voxels: NDArray[Any], dtype: np.dtype[Any]) -> None:
    """Write voxels as `dtype`, x fastest, a slice at a time: a large volume is never in memory twice."""
    for part in voxels.reshape(-1, *voxels.shape[-2:]):
        file.write(np.ascontiguousarray(part, dtype=dtype).tobytes())
