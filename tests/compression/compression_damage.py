"""A stream with one thing wrong with it, for hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st


def damaged(draw: st.DataObject, stream: bytes) -> bytes:
    """`stream` cut short, or with one byte changed."""
    data = bytearray(stream)
    if draw.draw(st.booleans()):
        return bytes(data[: draw.draw(st.integers(0, len(data) - 1))])
    data[draw.draw(st.integers(0, len(data) - 1))] ^= draw.draw(st.integers(1, 255))
    return bytes(data)
