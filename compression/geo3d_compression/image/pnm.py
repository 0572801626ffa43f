"""PGM and PPM files as header, samples and what follows: byte for byte (binary forms P5 and P6, 8 and 16 bits)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError

SIGNATURES = (b"P5", b"P6")
# Magic, width, height and largest value, separated by white space and comments, and one white space at the end.
_HEADER = re.compile(rb"P([56])(?:\s|#[^\n]*\n)+(\d{1,8})(?:\s|#[^\n]*\n)+(\d{1,8})(?:\s|#[^\n]*\n)+(\d{1,5})\s")
_MOST_HEADER = 1 << 12


@dataclass(frozen=True, eq=False)
class PnmFile:
    """[H, W, 1 or 3] samples, and the bytes before and after them."""

    samples: NDArray[np.uint8] | NDArray[np.uint16]
    before: bytes
    after: bytes


def parse_pnm(data: bytes) -> PnmFile:
    """Take a file apart.  Raises `FormatError` where it is no binary PGM or PPM, or too short."""
    found = _HEADER.match(data[:_MOST_HEADER])
    if found is None:
        raise FormatError("no binary PGM or PPM file: its header is damaged")
    channels = 1 if found[1] == b"5" else 3
    width, height, highest = int(found[2]), int(found[3]), int(found[4])
    if not (0 < highest < 65536 and width and height):
        raise FormatError(f"PNM header is damaged: {width}x{height}, largest value {highest}")
    dtype: np.dtype[Any] = np.dtype(np.uint8) if highest < 256 else np.dtype(">u2")
    size = width * height * channels * dtype.itemsize
    start = found.end()
    if start + size > len(data):
        raise FormatError(f"PNM of {width}x{height} is truncated: {len(data) - start} of {size} bytes")
    raw = np.frombuffer(data[start : start + size], dtype).reshape(height, width, channels)
    samples = raw if highest < 256 else raw.astype(np.uint16)
    return PnmFile(samples, data[:start], data[start + size :])


def rebuild_pnm(file: PnmFile) -> bytes:
    """The bytes of the file."""
    samples = file.samples
    raw = samples.astype(">u2").tobytes() if samples.dtype == np.uint16 else samples.tobytes()
    return file.before + raw + file.after
