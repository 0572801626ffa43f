"""Time stamps of frames as bytes, and back."""

from __future__ import annotations

from itertools import pairwise

from geo3d_compression.container.fields import Cursor, put_varint


def pack_times(times: list[int]) -> bytes:
    """Differences of rising or falling numbers."""
    packed = bytearray()
    for before, now in pairwise([0, *times]):
        put_varint(packed, 2 * (now - before) if now >= before else 2 * (before - now) - 1)
    return bytes(packed)


def unpack_times(data: bytes, count: int) -> list[int]:
    """The `count` numbers of `pack_times`."""
    cursor = Cursor(data, "time stamps")
    times, now = [], 0
    for _ in range(count):
        step = cursor.varint()
        now += step // 2 if step % 2 == 0 else -(step + 1) // 2
        times.append(now)
    cursor.finish()
    return times
