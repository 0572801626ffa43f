"""Unsigned LEB128 integers of the chunk headers."""

from __future__ import annotations

from geo3d.errors import BitstreamError

_MAX_BYTES = 9


def write_varint(value: int) -> bytes:
    """`value` >= 0 in groups of 7 bits, the lowest first."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data: bytes, position: int) -> tuple[int, int]:
    """The integer at `position`, and the position after it."""
    value = 0
    for k in range(_MAX_BYTES):
        if position + k >= len(data):
            raise BitstreamError(f"octree chunk ends inside a number at byte {position + k}")
        value |= (data[position + k] & 0x7F) << 7 * k
        if data[position + k] < 0x80:
            return value, position + k + 1
    raise BitstreamError(f"octree chunk has a number of more than {_MAX_BYTES} bytes at byte {position}")
