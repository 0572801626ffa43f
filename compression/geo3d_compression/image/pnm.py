"""PGM and PPM files as header, samples and what follows: byte for byte (binary forms P5 and P6, 8 and 16 bits)."""

from __future__ import annotations

import re

from geo3d.errors import FormatError
from geo3d_compression.image.raw import RawFile, cut

SIGNATURES = (b"P5", b"P6")
# Magic, width, height and largest value, separated by white space and comments, and one white space at the end.
_HEADER = re.compile(rb"P([56])(?:\s|#[^\n]*\n)+(\d{1,8})(?:\s|#[^\n]*\n)+(\d{1,8})(?:\s|#[^\n]*\n)+(\d{1,5})\s")
_MOST_HEADER = 1 << 12


def parse_pnm(data: bytes) -> RawFile:
    """Take a file apart.  Raises `FormatError` where it is no binary PGM or PPM, or too short."""
    found = _HEADER.match(data[:_MOST_HEADER])
    if found is None:
        raise FormatError("no binary PGM or PPM file: its header is damaged")
    width, height, highest = int(found[2]), int(found[3]), int(found[4])
    if not (0 < highest < 65536 and width and height):
        raise FormatError(f"PNM header is damaged: {width}x{height}, largest value {highest}")
    return cut(data, found.end(), (height, width, 1 if found[1] == b"5" else 3), highest > 255, False, "PNM")
