"""Deflate streams inside pictures, and the zlib settings that made them; bytes go through in pieces."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import BitstreamError, FormatError

_LEVELS = (6, 9, 3, 1, 7, 5, 4, 8, 2)
_STRATEGIES = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_RLE, zlib.Z_HUFFMAN_ONLY)
_MEMORY = (8, 9)
# Beginnings that rule most settings out.
_HEADS = (1 << 16, 1 << 21)
# What is unpacked at once: in bytes of the stream, and of what it gives.
_PIECE, _UNPACKED = 1 << 20, 1 << 24

# A function that gives the bytes to pack, in pieces, as often as it is called.
Pieces = Callable[[], Iterable[Any]]


@dataclass(frozen=True)
class Deflate:
    """zlib settings that give the file's own stream; level 0 means that none is known."""

    level: int
    strategy: int = 0
    memory: int = 8
    window: int = 15


def settings_of(level: int, strategy: int, memory: int, window: int) -> Deflate:
    """Checked settings of a stream."""
    if not (0 <= level <= 9 and 0 <= strategy <= 4 and 1 <= memory <= 9 and 9 <= window <= 15):
        raise BitstreamError(f"PNG stream has impossible deflate settings {level}, {strategy}, {memory}, {window}")
    return Deflate(level, strategy, memory, window)


def inflate(stream: bytes, size: int) -> NDArray[np.uint8]:
    """What a zlib stream of exactly `size` bytes holds."""
    # Deflate packs at most 1032 to 1.
    if size > 1040 * len(stream) + 64:
        raise FormatError(f"a picture of {size} bytes does not fit into {len(stream)} packed bytes")
    unpacker = zlib.decompressobj()
    out, at = np.zeros(size, np.uint8), 0
    try:
        for piece in _unpack(unpacker, stream):
            if at + len(piece) > size:
                raise FormatError(f"packed picture data has more than {size} bytes")
            out[at : at + len(piece)] = np.frombuffer(piece, np.uint8)
            at += len(piece)
    except zlib.error as error:
        raise FormatError(f"packed picture data is damaged: {error}") from None
    if at != size or not unpacker.eof or unpacker.unused_data:
        raise FormatError(f"packed picture data has {at} bytes instead of {size}, or ends wrongly")
    return out


def _unpack(unpacker: Any, stream: bytes) -> Iterator[bytes]:
    view = memoryview(stream)
    for i in range(0, len(stream), _PIECE):
        left = view[i : i + _PIECE]
        while True:
            piece = unpacker.decompress(left, _UNPACKED)
            left = unpacker.unconsumed_tail
            if piece:
                yield piece
            if unpacker.eof or (not left and len(piece) < _UNPACKED):
                break


def pack(pieces: Iterable[Any], settings: Deflate) -> bytes:
    """The zlib stream that these settings make of the pieces together."""
    return b"".join(_packed(pieces, settings))


def _packed(pieces: Iterable[Any], s: Deflate) -> Iterator[bytes]:
    packer = zlib.compressobj(s.level, zlib.DEFLATED, s.window, s.memory, s.strategy)
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()


def gives(pieces: Iterable[Any], settings: Deflate, stream: bytes) -> bool:
    """Whether these settings make exactly `stream` of the pieces."""
    view, at = memoryview(stream), 0
    for part in _packed(pieces, settings):
        if view[at : at + len(part)] != part:
            return False
        at += len(part)
    return at == len(stream)


def find_settings(pieces: Pieces, stream: bytes) -> Deflate:
    """Settings whose stream is the file's.  A short beginning rules most of them out."""
    window = (stream[0] >> 4) + 8
    if window < 9 or window > 15:
        return Deflate(0)
    first = next(iter(pieces()))
    for memory, strategy, level in product(_MEMORY, _STRATEGIES, _LEVELS):
        settings = Deflate(level, strategy, memory, window)
        heads = [size for size in _HEADS if size < len(first)]
        if all(_begins(first[:size], settings, stream) for size in heads) and gives(pieces(), settings, stream):
            return settings
    return Deflate(0)


def _begins(head: Any, s: Deflate, stream: bytes) -> bool:
    """Whether these settings may make `stream` of bytes that begin with `head`."""
    packer = zlib.compressobj(s.level, zlib.DEFLATED, s.window, s.memory, s.strategy)
    start = packer.compress(head)
    return stream[: len(start)] == start and stream[:2] == (start or pack([b""], s))[:2]
