"""The sizes in a LAS header, checked before laspy acts on them."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from geo3d.errors import FormatError

_VLR_HEADER = 54
_LARGEST_HEADER = 1 << 16


@dataclass(frozen=True)
class LasSizes:
    """Counts and offsets of a LAS or LAZ file, all within the file."""

    version: tuple[int, int]
    point_format: int
    compressed: bool
    point_count: int
    record_length: int
    data_offset: int


def check_sizes(path: Path) -> LasSizes:
    """Read the public header (LAS 1.0 to 1.4) and the record headers behind it.

    Raises `FormatError` if a count or offset cannot be true of a file of this size: laspy would loop or allocate.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(375)
        if len(head) < 227 or head[:4] != b"LASF":
            raise FormatError(f"{path} does not begin as a whole LAS header")
        version = (head[24], head[25])
        header_size, data_offset, vlr_count = struct.unpack_from("<HII", head, 94)
        raw_format, record_length, count = struct.unpack_from("<BHI", head, 104)
        if version[0] != 1 or version[1] > 4:
            raise FormatError(f"{path}: LAS {version[0]}.{version[1]} is unknown (known: 1.0 to 1.4)")
        if header_size < (375 if version == (1, 4) else 227) or header_size > _LARGEST_HEADER or data_offset > size:
            raise FormatError(f"{path}: header of {header_size} bytes, points at {data_offset}, file of {size} bytes")
        if version == (1, 4):
            count = max(count, struct.unpack_from("<Q", head, 247)[0])
        at = header_size
        if header_size + vlr_count * _VLR_HEADER > data_offset:
            raise FormatError(f"{path}: {vlr_count} variable-length records do not fit before the points")
        chunk_size = 0
        for _ in range(vlr_count):
            stream.seek(at)
            record = stream.read(_VLR_HEADER)
            if len(record) < _VLR_HEADER or at + _VLR_HEADER > data_offset:
                raise FormatError(f"{path}: {vlr_count} variable-length records do not fit before the points")
            if record[2:18].rstrip(b"\0") == b"laszip encoded":
                chunk_size = int.from_bytes(stream.read(16)[12:], "little")
            at += _VLR_HEADER + int.from_bytes(record[20:22], "little")
        compressed = bool(raw_format & 0xC0)
        if compressed and count:
            _check_chunk_table(stream, path, size, data_offset, count, chunk_size)
    if at > data_offset:
        raise FormatError(f"{path}: the variable-length records reach past the first point")
    point_format = raw_format & 0x3F
    if point_format > 10:
        raise FormatError(f"{path}: unknown LAS point format {point_format}")
    if not compressed and data_offset + count * record_length > size:
        room = max(0, size - data_offset) // max(record_length, 1)
        raise FormatError(
            f"{path}: the header promises {count} points of {record_length} bytes, there is room for {room}"
        )
    return LasSizes(version, point_format, compressed, count, record_length, data_offset)


def _check_chunk_table(stream: BinaryIO, path: Path, size: int, start: int, count: int, chunk_size: int) -> None:
    """LAZ: lazrs takes memory for as many chunks as the table says, and ends the process if there is not enough."""
    stream.seek(start)
    table = int.from_bytes(stream.read(8), "little", signed=True)
    if table == -1:
        # Written as a stream: the offset stands at the end.
        stream.seek(max(size - 8, 0))
        table = int.from_bytes(stream.read(8), "little", signed=True)
    if not start + 8 <= table <= size - 8:
        raise FormatError(f"{path}: the LAZ chunk table should be at byte {table} of {size}; is the file whole?")
    stream.seek(table + 4)
    chunks = int.from_bytes(stream.read(4), "little")
    fixed = 0 < chunk_size < 0xFFFFFFFF
    if chunks > min(count, table - start) or (fixed and chunks != -(-count // chunk_size)):
        raise FormatError(f"{path}: {chunks} LAZ chunks cannot be right for {count} points")
