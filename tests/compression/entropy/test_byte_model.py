"""Byte strings come back; text gets small; damaged streams are refused."""

from __future__ import annotations

import contextlib
import zlib

import pytest
from geo3d_compression.entropy.byte_model import decode_bytes, encode_bytes
from hypothesis import given, settings
from hypothesis import strategies as st

from geo3d.errors import BitstreamError

TEXT = "".join(f"{i * i % 1000:+.6e} {i / 7:.5f}\n" for i in range(200)).encode()


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.binary(max_size=40))
def test_round_trip(data: bytes, prelude: bytes) -> None:
    assert decode_bytes(encode_bytes(data, prelude), len(data), prelude) == data


def test_beats_deflate_on_text() -> None:
    assert len(encode_bytes(TEXT)) < 0.9 * len(zlib.compress(TEXT, 9))


def test_a_prelude_makes_what_it_holds_nearly_free() -> None:
    assert len(encode_bytes(TEXT, TEXT)) < 0.05 * len(TEXT)


def test_truncated_and_hostile_streams() -> None:
    stream = encode_bytes(TEXT)
    with pytest.raises(BitstreamError):
        decode_bytes(stream[: len(stream) // 2], len(TEXT))
    with pytest.raises(BitstreamError):
        decode_bytes(stream, 1 << 40)
    for at in range(0, len(stream), 97):
        damaged = bytearray(stream)
        damaged[at] ^= 0x55
        with contextlib.suppress(BitstreamError):
            assert len(decode_bytes(bytes(damaged), len(TEXT))) == len(TEXT)


def test_golden() -> None:
    """Streams of version 0 decode for ever."""
    assert decode_bytes(bytes.fromhex(GOLDEN), 11) == b"geo3d geo3d"


GOLDEN = "af2ba42d045e91acdc"
