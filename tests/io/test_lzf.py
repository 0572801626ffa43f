"""LZF against its definition and hostile streams."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo3d.errors import FormatError
from geo3d.io.lzf import lzf_compress, lzf_decompress


@settings(max_examples=100, deadline=None)
@given(
    st.one_of(st.binary(max_size=2000), st.lists(st.sampled_from([b"abc", b"aaaa", b"x"]), max_size=900).map(b"".join))
)
def test_round_trip(data):
    packed = lzf_compress(data)
    assert lzf_decompress(packed, len(data)) == data
    assert len(packed) <= len(data) + len(data) // 32 + 16


def test_streams_written_by_hand():
    # Two literals "ab", then a match of 2 + 7 + 1 = 10 bytes at distance 2.
    assert lzf_decompress(b"\x01ab\xe0\x01\x01", 12) == b"ab" * 6
    assert lzf_decompress(b"\x00x\x20\x00", 4) == b"xxxx"


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 2000))
def test_nonsense_gives_the_size_or_an_error(packed, size):
    try:
        assert len(lzf_decompress(packed, size)) == size
    except FormatError:
        return


def test_too_large_a_claim():
    with pytest.raises(FormatError, match="cannot hold"):
        lzf_decompress(b"\x00x", 10**12)
