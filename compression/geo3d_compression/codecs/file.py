"""Any file, byte for byte: deflated where that helps, else as it is."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

from geo3d.errors import BitstreamError, Geo3DError
from geo3d.io.atomic import write_bytes
from geo3d_compression.codecs.codec import Outcome, Request, Unit, View
from geo3d_compression.container import ChunkType, Container, ContainerWriter, Item
from geo3d_compression.container.fields import Choice, Cursor, UInt, pack, unpack

_PART_BYTES = 1 << 24
_PROBE_BYTES = 1 << 16
_FIELDS = (UInt("size", 1 << 44), UInt("parts", 1 << 20))
_METHOD = Choice("method", ("stored", "deflate"))


class FileCodec:
    """Parts of 16 MiB, each a chunk, so that any size streams through."""

    number = 2
    kind = "file"
    unit: Unit = "bytes"
    suffixes: tuple[str, ...] = ()

    def compress(self, source: Path, writer: ContainerWriter, name: str, request: Request) -> Outcome:
        if not source.is_file():
            raise Geo3DError(f"{source} is not a file")
        item = writer.add_item(Item(name, self.kind, self.number))
        size, parts = 0, 0
        with source.open("rb") as file:
            while data := file.read(_PART_BYTES):
                add_part(writer, item, parts, data)
                size, parts = size + len(data), parts + 1
        writer.add_chunk(item, ChunkType.HEADER, pack(_FIELDS, {"size": size, "parts": parts}), critical=True)
        return Outcome(size)

    def decompress(self, container: Container, item: int, target: Path, view: View) -> Outcome:
        data = read_file(container, item)
        write_bytes(target, data)
        return Outcome(len(data))

    def describe(self, container: Container, item: int) -> dict[str, Any]:
        return {"bytes_in": _header(container, item)["size"]}


def add_file(writer: ContainerWriter, name: str, data: bytes) -> None:
    """Add bytes as a file item."""
    item = writer.add_item(Item(name, FileCodec.kind, FileCodec.number))
    starts = range(0, len(data), _PART_BYTES)
    for part, start in enumerate(starts):
        add_part(writer, item, part, data[start : start + _PART_BYTES])
    writer.add_chunk(item, ChunkType.HEADER, pack(_FIELDS, {"size": len(data), "parts": len(starts)}), critical=True)


def add_part(writer: ContainerWriter, item: int, part: int, data: bytes) -> None:
    """One part of at most 16 MiB, deflated if that makes it smaller."""
    # JPEG, PNG and the like do not shrink: a look at the beginning saves the time.
    probe = data[:_PROBE_BYTES]
    packed = zlib.compress(data, 9) if len(zlib.compress(probe, 1)) < 0.98 * len(probe) + 16 else data
    method = "deflate" if len(packed) < len(data) else "stored"
    head = bytearray()
    _METHOD.put(head, method)
    writer.add_chunk(item, ChunkType.DATA, bytes(head) + (packed if method == "deflate" else data), part=part)


def read_file(container: Container, item: int) -> bytes:
    """The bytes of a file item."""
    header = _header(container, item)
    data = b"".join(read_part(container.need(item, ChunkType.DATA, k)) for k in range(header["parts"]))
    if len(data) != header["size"]:
        raise BitstreamError(f"'{container.items[item].name}' has {len(data)} bytes instead of {header['size']}")
    return data


def _header(container: Container, item: int) -> dict[str, Any]:
    cursor = Cursor(container.need(item, ChunkType.HEADER), "file header")
    header = unpack(_FIELDS, cursor)
    cursor.finish()
    return header


def read_part(chunk: bytes) -> bytes:
    """The bytes of one part by `add_part`."""
    cursor = Cursor(chunk, "file part")
    method = _METHOD.get(cursor)
    data = cursor.take(cursor.left)
    return data if method == "stored" else inflate(data, _PART_BYTES)


def inflate(data: bytes, limit: int) -> bytes:
    """Deflated bytes, at most `limit` of them."""
    unpacker = zlib.decompressobj()
    try:
        result = unpacker.decompress(data, limit)
    except zlib.error as error:
        raise BitstreamError(f"deflated data is damaged: {error}") from error
    if not unpacker.eof or unpacker.unused_data:
        raise BitstreamError(f"deflated data is truncated, followed by other bytes, or longer than {limit} bytes")
    return result
