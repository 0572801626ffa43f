"""Chunk header integers."""

import pytest
from geo3d_compression.octree.varint import read_varint, write_varint
from hypothesis import given
from hypothesis import strategies as st

from geo3d.errors import BitstreamError


@given(st.integers(0, 2**63 - 1), st.binary(max_size=5))
def test_round_trip(value: int, tail: bytes) -> None:
    data = write_varint(value)
    assert read_varint(data + tail, 0) == (value, len(data))


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xff" * 12])
def test_rejects(data: bytes) -> None:
    with pytest.raises(BitstreamError):
        read_varint(data, 0)
