"""Groups of frames come back exactly, smaller where they move, the same from every thread count; damage is refused."""

from __future__ import annotations

import contextlib
from functools import cache

import numpy as np
import pytest
from compression_clips import moving
from compression_damage import damaged
from geo3d_compression.video.exact import decode_frames, encode_frames
from hypothesis import given, settings
from hypothesis import strategies as st

from geo3d.errors import BitstreamError


def same(one: list, two: list) -> bool:
    return all(np.array_equal(x, y) for a, b in zip(one, two, strict=True) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("format", ["gray", "yuv420p", "yuv422p", "yuv444p10le", "gbrp", "gbrap"])
def test_frames_come_back(format: str) -> None:
    frames = moving(format, 3)
    stream = encode_frames(frames, format, "fast")
    back = decode_frames(stream, 3, format, 38, 52, "fast")
    assert same(frames, back)
    assert back[0][0].dtype == frames[0][0].dtype.newbyteorder("=")


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (17, 16)])
def test_odd_sizes_come_back(size: tuple[int, int]) -> None:
    frames = moving("yuv420p", 2, *size)
    assert same(frames, decode_frames(encode_frames(frames, "yuv420p", "best"), 2, "yuv420p", *size, "best"))


def test_the_frame_before_helps() -> None:
    """A texture of noise costs next to nothing once it has been seen, although it moves."""
    frames = moving("gray", 4)
    alone = sum(len(encode_frames([f], "gray", "best")) for f in frames)
    assert len(encode_frames(frames, "gray", "best")) < 0.6 * alone


@cache
def _stream() -> bytes:
    return encode_frames(moving("yuv420p", 2, 10, 12), "yuv420p", "fast")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_streams_are_refused_or_harmless(draw: st.DataObject) -> None:
    data = damaged(draw, _stream())
    with contextlib.suppress(BitstreamError):
        assert len(decode_frames(data, 2, "yuv420p", 10, 12, "fast")) == 2
