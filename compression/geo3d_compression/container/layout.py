"""The `.g3c` file: one magic, one table, then chunks.  Everything here is little-endian.

    offset  bytes  what
    0       8      magic 89 47 33 43 0D 0A 1A 0A   (a transfer in text mode destroys it, and that shows)
    8       2      format version, 1
    10      2      reserved, 0
    12      4      T, bytes of the table, at most 16 MiB
    16      4      checksum of the table
    20      T      table: items and chunks (fields below)
    20 + T  ...    the chunks' bytes, without gaps, in the table's order

A checksum is the low 32 bits of XXH3-64.  The table (varints, see `fields`):

    number of items; for each: name, kind, codec, model hash (empty if the codec has no weights)
    number of chunks; for each: type, critical?, item, part, index, length, checksum (4 bytes)

An *item* is what a user put in (a cloud, poses, a file).  A *chunk* is independently checked and belongs to one
item; `part` counts tiles, `index` counts levels or channels within a tile.  A reader skips chunks of a type it does
not know, unless they are marked critical.  The table comes first, so that a reader can fetch what it needs and a
truncated file still says what is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import xxhash

from geo3d_compression.container.fields import Blob, Choice, Field, Text, UInt

MAGIC = b"\x89G3C\r\n\x1a\n"
VERSION = 1
PREFIX_BYTES = 20
MAX_TABLE_BYTES = 1 << 24

# The order is the number in the file: append only.
KINDS = ("cloud", "file", "array", "mesh", "image", "video", "stereo", "depth", "volume", "rgbd")


class ChunkType(IntEnum):
    """What a chunk holds; numbers are part of the format."""

    HEADER = 0
    GEOMETRY = 1
    COUNTS = 2
    REFINEMENT = 3
    ATTRIBUTE = 4
    ORDER = 5
    METADATA = 6
    DATA = 7


COUNT_OF_ITEMS = UInt("items", 1 << 16)
COUNT_OF_CHUNKS = UInt("chunks", 1 << 20)
ITEM_FIELDS: tuple[Field, ...] = (
    Text("name", 1024),
    Choice("kind", KINDS),
    UInt("codec", 255),
    Blob("model", 16),
)
CHUNK_FIELDS: tuple[Field, ...] = (
    UInt("type", 255),
    UInt("critical", 1),
    UInt("item", (1 << 16) - 1),
    UInt("part", 1 << 24),
    UInt("index", 1 << 20),
    UInt("length", 1 << 40),
)


@dataclass(frozen=True)
class Item:
    """Something a user put in: its name, kind, codec number and the content hash of the weights it needs."""

    name: str
    kind: str
    codec: int
    model: bytes = b""


@dataclass(frozen=True)
class Chunk:
    """One row of the table, with the place of the bytes in the file."""

    type: int
    critical: bool
    item: int
    part: int
    index: int
    length: int
    checksum: int
    offset: int


def checksum(data: bytes | memoryview) -> int:
    """Low 32 bits of XXH3-64."""
    return xxhash.xxh3_64_intdigest(data) & 0xFFFFFFFF
