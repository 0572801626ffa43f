"""The file as a whole: round trip, pinned bytes, and every kind of damage."""

import struct
from pathlib import Path

import pytest
from geo3d_compression.container import ChunkType, Container, ContainerWriter, Item
from geo3d_compression.container.layout import MAGIC, checksum
from hypothesis import given
from hypothesis import strategies as st

from geo3d.errors import BitstreamError, FormatError

PAYLOADS = [b"head", b"", b"some geometry" * 20, bytes(range(256))]


def sample() -> bytes:
    with ContainerWriter() as writer:
        cloud = writer.add_item(Item("cloud", "cloud", 1, b"\x01" * 8))
        poses = writer.add_item(Item("poses ü", "array", 2))
        writer.add_chunk(cloud, ChunkType.HEADER, PAYLOADS[0], critical=True)
        writer.add_chunk(cloud, ChunkType.GEOMETRY, PAYLOADS[1])
        writer.add_chunk(cloud, ChunkType.GEOMETRY, PAYLOADS[2], part=3, index=2)
        writer.add_chunk(poses, ChunkType.DATA, PAYLOADS[3])
        return writer.to_bytes()


def read_all(data: bytes) -> list[bytes]:
    with Container(data) as c:
        return [c.read(chunk) for chunk in c.chunks]


def test_round_trip() -> None:
    with Container(sample()) as c:
        assert [i.name for i in c.items] == ["cloud", "poses ü"]
        assert c.items[0].model == b"\x01" * 8
        assert [c.read(chunk) for chunk in c.chunks] == PAYLOADS
        assert c.need(0, ChunkType.GEOMETRY, 3, 2) == PAYLOADS[2]
        assert [chunk.type for chunk in c.of(1)] == [ChunkType.DATA]
        with pytest.raises(BitstreamError, match=r"lacks the counts chunk 0\.0 of 'cloud'"):
            c.need(0, ChunkType.COUNTS)


def test_golden_bytes() -> None:
    with ContainerWriter() as writer:
        item = writer.add_item(Item("a", "file", 7))
        writer.add_chunk(item, ChunkType.DATA, b"hello")
        data = writer.to_bytes()
    table = bytes.fromhex("0101610107000107000000000 5".replace(" ", "")) + struct.pack("<I", checksum(b"hello"))
    assert data == MAGIC + struct.pack("<HHII", 1, 0, len(table), checksum(table)) + table + b"hello"
    assert checksum(b"hello") == 0x5C62DCFD  # XXH3-64 of "hello" is 9555e8555c62dcfd


def test_writing_is_atomic(tmp_path: Path) -> None:
    target = tmp_path / "x.g3c"
    with ContainerWriter() as writer:
        item = writer.add_item(Item("a", "file", 7))
        writer.add_chunk(item, ChunkType.DATA, b"x" * 1000)
        assert writer.write(target) == target.stat().st_size
        with pytest.raises(FormatError, match="does not exist"):
            writer.write(tmp_path / "no" / "x.g3c")
    assert [p.name for p in tmp_path.iterdir()] == ["x.g3c"]
    with Container(target) as c:
        assert c.read(c.chunks[0]) == b"x" * 1000


@given(st.integers(0, len(sample()) - 1))
def test_every_truncation_is_an_error(length: int) -> None:
    with pytest.raises(FormatError):
        Container(sample()[:length])


@given(st.integers(0, len(sample()) * 8 - 1))
def test_every_flipped_bit_is_an_error(bit: int) -> None:
    data = bytearray(sample())
    data[bit // 8] ^= 1 << bit % 8
    with pytest.raises(FormatError):
        read_all(bytes(data))


def test_appended_and_doubled_bytes_are_errors() -> None:
    with pytest.raises(BitstreamError, match="damaged: expected"):
        Container(sample() + b"\0")


@given(st.binary(max_size=200))
def test_hostile_tables_end_in_an_error_or_a_small_table(table: bytes) -> None:
    data = MAGIC + struct.pack("<HHII", 1, 0, len(table), checksum(table)) + table
    try:
        with Container(data, salvage=True) as c:
            assert len(c.chunks) * 10 <= len(table)
    except BitstreamError:
        pass


def test_huge_counts_are_refused_before_any_allocation() -> None:
    for table in (b"\xff\xff\x03", b"\x00\xff\xff\x3f", b"\xff" * 30):
        data = MAGIC + struct.pack("<HHII", 1, 0, len(table), checksum(table)) + table
        with pytest.raises(BitstreamError, match=r"rows|allowed are|more than 10"):
            Container(data)


def test_salvage_keeps_what_is_whole() -> None:
    data = sample()[:-200]
    with Container(data, salvage=True) as c:
        assert len(c.lost) == 1
        assert [c.read(chunk) for chunk in c.chunks[:3]] == PAYLOADS[:3]
        with pytest.raises(BitstreamError, match=r"truncated: the data chunk 0\.0 of 'poses ü' is missing"):
            c.read(c.chunks[3])


@pytest.mark.parametrize(("critical", "known"), [(False, True), (True, False)])
def test_unknown_chunk_types_are_skipped_unless_critical(critical: bool, known: bool) -> None:
    with ContainerWriter() as writer:
        item = writer.add_item(Item("a", "file", 7))
        writer.add_chunk(item, 200, b"from the future", critical=critical)
        writer.add_chunk(item, ChunkType.DATA, b"now")
        data = writer.to_bytes()
    if known:
        assert read_all(data) == [b"now"]
    else:
        with pytest.raises(BitstreamError, match="newer version"):
            Container(data)


def test_other_files_and_versions_say_what_they_are() -> None:
    with pytest.raises(FormatError, match=r"not a \.g3c file"):
        Container(b"ply\nformat ascii 1.0\n")
    data = bytearray(sample())
    data[8] = 9
    with pytest.raises(BitstreamError, match=r"version 9\.0; this program reads version 1\.0"):
        Container(bytes(data))


def test_two_items_of_one_name_are_refused() -> None:
    with ContainerWriter() as writer:
        writer.add_item(Item("a", "file", 7))
        with pytest.raises(FormatError, match="called 'a'"):
            writer.add_item(Item("a", "cloud", 1))
