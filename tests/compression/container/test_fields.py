"""Declared header fields: what is written is read, and nothing outside its range passes either way."""

import pytest
from geo3d_compression.container.fields import Blob, Choice, Cursor, Float, SInt, Text, UInt, pack, put_varint, unpack
from hypothesis import given
from hypothesis import strategies as st

from geo3d.errors import BitstreamError

LAYOUT = (
    UInt("count", 2**64),
    SInt("offset", 2**63),
    Float("scale", 0.0),
    Text("name", 64),
    Blob("hash", 16),
    Choice("kind", ("a", "b")),
)


@given(
    st.integers(0, 2**64),
    st.integers(-(2**63), 2**63),
    st.floats(0, 1e300),
    st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=16),
    st.binary(max_size=16),
    st.sampled_from("ab"),
)
def test_round_trip(count: int, offset: int, scale: float, name: str, digest: bytes, kind: str) -> None:
    values = {"count": count, "offset": offset, "scale": scale, "name": name, "hash": digest, "kind": kind}
    cursor = Cursor(pack(LAYOUT, values))
    assert unpack(LAYOUT, cursor) == values
    cursor.finish()


def test_varint_bytes_are_pinned() -> None:
    out = bytearray()
    for value in (0, 127, 128, 300):
        put_varint(out, value)
    assert out.hex() == "007f8001ac02"


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        (UInt("n", 5, 1), 0),
        (UInt("n", 5), 6),
        (SInt("n", 5), -6),
        (Float("n", 0.0, 1.0), float("nan")),
        (Text("n", 3), "long"),
        (Choice("n", ("a",)), "c"),
    ],
)
def test_writer_refuses_what_does_not_fit(field: UInt, bad: object) -> None:
    with pytest.raises(ValueError, match=r"n' is|length of n"):
        field.put(bytearray(), bad)


@given(st.binary(max_size=80))
def test_any_bytes_parse_or_raise(data: bytes) -> None:
    try:
        values = unpack(LAYOUT, Cursor(data))
    except BitstreamError:
        return
    assert 0 <= values["count"] <= 2**64
    assert values["kind"] in "ab"


def test_endless_number_and_left_over_bytes_are_refused() -> None:
    with pytest.raises(BitstreamError, match="more than 10 bytes"):
        Cursor(b"\xff" * 20).varint()
    with pytest.raises(BitstreamError, match="3 unexpected bytes"):
        Cursor(b"abc").finish()
