"""Collects items and chunks, then writes the file in one piece."""

from __future__ import annotations

import os
import shutil
import struct
import tempfile
from types import TracebackType
from typing import IO

from geo3d.errors import FormatError
from geo3d.io.atomic import atomic_path
from geo3d_compression.container.fields import pack
from geo3d_compression.container.layout import (
    CHUNK_FIELDS,
    COUNT_OF_CHUNKS,
    COUNT_OF_ITEMS,
    ITEM_FIELDS,
    MAGIC,
    MAX_TABLE_BYTES,
    VERSION,
    Item,
    checksum,
)

_SPOOL_BYTES = 64 << 20


class ContainerWriter:
    """Chunks wait in memory, beyond 64 MiB in a temporary file; the table is known only at the end but comes first."""

    def __init__(self) -> None:
        # Closed by __exit__: the writer is itself the context.
        self._spool = tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES)  # noqa: SIM115
        self._items: list[Item] = []
        self._names: set[str] = set()
        self._rows = bytearray()
        self._chunks = 0

    def __enter__(self) -> ContainerWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._spool.close()

    def add_item(self, item: Item) -> int:
        """Announce an item and return its number; names are unique in a file."""
        if item.name in self._names:
            raise FormatError(f"two items are called '{item.name}'; names in a container must differ")
        self._names.add(item.name)
        self._items.append(item)
        return len(self._items) - 1

    def add_chunk(
        self, item: int, kind: int, payload: bytes, *, part: int = 0, index: int = 0, critical: bool = False
    ) -> None:
        """Append one chunk of an announced item."""
        values = {
            "type": kind, "critical": int(critical), "item": item, "part": part, "index": index,
            "length": len(payload),
        }  # fmt: skip
        self._rows += pack(CHUNK_FIELDS, values) + struct.pack("<I", checksum(payload))
        self._spool.write(payload)
        self._chunks += 1

    @property
    def payload_bytes(self) -> int:
        """Bytes of all chunks so far, without the table."""
        return self._spool.tell()

    def write(self, path: str | os.PathLike[str]) -> int:
        """Write the file atomically and return its size in bytes."""
        with atomic_path(path) as temporary:
            with open(temporary, "wb") as file:
                self._copy_to(file)
            return temporary.stat().st_size

    def to_bytes(self) -> bytes:
        """The whole file as bytes."""
        with tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as file:
            self._copy_to(file)
            file.seek(0)
            return file.read()

    def _copy_to(self, file: IO[bytes]) -> None:
        table = bytearray()
        COUNT_OF_ITEMS.put(table, len(self._items))
        for item in self._items:
            table += pack(ITEM_FIELDS, vars(item))
        COUNT_OF_CHUNKS.put(table, self._chunks)
        table += self._rows
        if len(table) > MAX_TABLE_BYTES:
            raise FormatError(f"the table of chunks takes {len(table)} bytes, at most {MAX_TABLE_BYTES} fit")
        file.write(MAGIC + struct.pack("<HHII", VERSION, 0, len(table), checksum(bytes(table))) + table)
        self._spool.seek(0)
        shutil.copyfileobj(self._spool, file, 1 << 20)
        self._spool.seek(0, os.SEEK_END)
