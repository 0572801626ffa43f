"""Files that hold their samples plainly: what stands before them, the samples, and what follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError


@dataclass(frozen=True, eq=False)
class RawFile:
    """[H, W, C] samples, and the bytes before and after them; 16-bit samples are big- or little-endian in the file."""

    samples: NDArray[np.uint8] | NDArray[np.uint16]
    before: bytes
    after: bytes
    little: bool = False


def typed(samples: NDArray[Any], wide: bool) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Samples of 16 bits, or of 8, in this machine's order; copied only if they must be."""
    return samples.astype(np.uint16, copy=False) if wide else samples.astype(np.uint8, copy=False)


def cut(data: bytes, start: int, shape: tuple[int, int, int], wide: bool, little: bool, what: str) -> RawFile:
    """The file whose samples begin at `start`.  Raises `FormatError` where it is too short."""
    size = shape[0] * shape[1] * shape[2] * (2 if wide else 1)
    if start + size > len(data):
        raise FormatError(
            f"{what} of {shape[1]}x{shape[0]} is truncated: {max(0, len(data) - start)} of {size} bytes are there"
        )
    dtype = np.dtype("<u2" if little else ">u2") if wide else np.dtype(np.uint8)
    # A view: a large picture is not held twice.
    samples = typed(np.frombuffer(data, dtype, size // dtype.itemsize, start).reshape(shape), wide)
    return RawFile(samples, data[:start], data[start + size :], little)


def rebuild_raw(file: RawFile) -> bytes:
    """The bytes of the file."""
    wide = file.samples.dtype == np.uint16
    samples = file.samples.astype("<u2" if file.little else ">u2") if wide else file.samples
    plain = np.ascontiguousarray(samples).reshape(-1).view(np.uint8).data
    return b"".join([file.before, plain, file.after])
