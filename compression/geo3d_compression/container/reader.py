"""Opens a container, checks its table, and reads single chunks on request."""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator
from types import TracebackType
from typing import IO

from geo3d.errors import BitstreamError, FormatError
from geo3d_compression.container.fields import Cursor, unpack
from geo3d_compression.container.layout import (
    CHUNK_FIELDS,
    COUNT_OF_CHUNKS,
    COUNT_OF_ITEMS,
    ITEM_FIELDS,
    MAGIC,
    MAX_TABLE_BYTES,
    PREFIX_BYTES,
    VERSION,
    Chunk,
    ChunkType,
    Item,
    checksum,
)

_LEAST_CHUNK_ROW = 10
_LEAST_ITEM_ROW = 4


class Container:
    """A `.g3c` file or its bytes, opened for reading.

    Only the table is read at first; `read` fetches and checks one chunk.  With `salvage`, a file that ends too early
    still opens: its missing chunks are in `lost`, and reading one of them raises.

    Attributes
    ----------
    items : what the file holds, by number.
    chunks : the table, in file order; types that this version does not know are left out.
    lost : the chunks that lie beyond the end of a truncated file.
    """

    def __init__(self, source: str | os.PathLike[str] | bytes | memoryview, *, salvage: bool = False) -> None:
        self._file: IO[bytes]
        if isinstance(source, (bytes, memoryview)):
            self._file, self.name = io.BytesIO(source), "stream"
        else:
            self._file, self.name = open(source, "rb"), os.fspath(source)  # noqa: SIM115
        try:
            self._open(salvage)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Container:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def _open(self, salvage: bool) -> None:
        self.bytes = self._file.seek(0, os.SEEK_END)
        self._file.seek(0)
        prefix = self._file.read(PREFIX_BYTES)
        if prefix[: len(MAGIC)] != MAGIC[: len(prefix)] or not prefix:
            raise FormatError(f"{self.name} is not a .g3c file (its first bytes are {prefix[:8]!r})")
        if len(prefix) < PREFIX_BYTES:
            raise BitstreamError(f"{self.name} is truncated: {len(prefix)} bytes, a header has {PREFIX_BYTES}")
        version, reserved, length, expected = struct.unpack("<HHII", prefix[8:])
        if version != VERSION or reserved:
            raise BitstreamError(
                f"{self.name} has format version {version}.{reserved}; this program reads version {VERSION}.0"
            )
        if length > min(MAX_TABLE_BYTES, self.bytes - PREFIX_BYTES):
            raise BitstreamError(
                f"{self.name} is truncated or damaged: its table should have {length} bytes, "
                f"{self.bytes - PREFIX_BYTES} are left"
            )
        table = self._file.read(length)
        if checksum(table) != expected:
            raise BitstreamError(f"{self.name} is damaged: the checksum of its table does not match")
        self._parse(table, PREFIX_BYTES + length, salvage)

    def _parse(self, table: bytes, offset: int, salvage: bool) -> None:
        cursor = Cursor(table, f"table of {self.name}")
        self.items: list[Item] = []
        names: set[str] = set()
        for _ in range(_count(COUNT_OF_ITEMS.get(cursor), _LEAST_ITEM_ROW, cursor)):
            item = Item(**unpack(ITEM_FIELDS, cursor))
            if item.name in names:
                raise BitstreamError(f"two items of {self.name} are called '{item.name}'")
            names.add(item.name)
            self.items.append(item)
        self.chunks: list[Chunk] = []
        self.lost: list[Chunk] = []
        for _ in range(_count(COUNT_OF_CHUNKS.get(cursor), _LEAST_CHUNK_ROW, cursor)):
            row = unpack(CHUNK_FIELDS, cursor)
            row["critical"] = bool(row["critical"])
            chunk = Chunk(**row, checksum=struct.unpack("<I", cursor.take(4))[0], offset=offset)
            offset += chunk.length
            self._accept(chunk)
        cursor.finish()
        if offset < self.bytes or (offset > self.bytes and not salvage):
            state = "truncated" if offset > self.bytes else "damaged"
            raise BitstreamError(f"{self.name} is {state}: expected {offset} bytes, got {self.bytes}")
        self._index = {(c.item, c.type, c.part, c.index): c for c in self.chunks}
        if len(self._index) < len(self.chunks):
            raise BitstreamError(f"{self.name} lists the same chunk twice")

    def _accept(self, chunk: Chunk) -> None:
        if chunk.item >= len(self.items):
            raise BitstreamError(f"{self.name} has a chunk of item {chunk.item}, but only {len(self.items)} items")
        if chunk.type not in ChunkType.__members__.values():
            if chunk.critical:
                raise BitstreamError(
                    f"{self.name} needs a newer version: its chunk type {chunk.type} is unknown and marked critical"
                )
            return
        self.chunks.append(chunk)
        if chunk.offset + chunk.length > self.bytes:
            self.lost.append(chunk)

    def of(self, item: int) -> Iterator[Chunk]:
        """The chunks of one item, in file order."""
        return (c for c in self.chunks if c.item == item)

    def find(self, item: int, kind: ChunkType, part: int = 0, index: int = 0) -> Chunk | None:
        """The chunk with these coordinates, or None."""
        return self._index.get((item, int(kind), part, index))

    def read(self, chunk: Chunk) -> bytes:
        """The checked bytes of one chunk."""
        what = (
            f"{ChunkType(chunk.type).name.lower()} chunk {chunk.part}.{chunk.index} of '{self.items[chunk.item].name}'"
        )
        if chunk.offset + chunk.length > self.bytes:
            raise BitstreamError(f"{self.name} is truncated: the {what} is missing")
        self._file.seek(chunk.offset)
        data = self._file.read(chunk.length)
        if checksum(data) != chunk.checksum:
            raise BitstreamError(f"{self.name} is damaged: the checksum of the {what} does not match")
        return data

    def need(self, item: int, kind: ChunkType, part: int = 0, index: int = 0) -> bytes:
        """The bytes of a chunk that must be there."""
        chunk = self.find(item, kind, part, index)
        if chunk is None:
            raise BitstreamError(
                f"{self.name} lacks the {kind.name.lower()} chunk {part}.{index} of '{self.items[item].name}'"
            )
        return self.read(chunk)


def _count(count: int, least_bytes: int, cursor: Cursor) -> int:
    if count * least_bytes > cursor.left:
        raise BitstreamError(f"the table announces {count} rows, but only {cursor.left} bytes follow")
    return count
