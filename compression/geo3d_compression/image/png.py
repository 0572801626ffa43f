"""PNG files taken apart: samples, filters, the deflate settings that made the file, and all other bytes.

Most PNG writers call zlib; the settings (level, strategy, memory, window) are found by trying, and then the file comes
back byte for byte.  Where no setting fits, or on a machine whose zlib packs differently, the file that comes back has
the same chunks and samples, but its own deflate stream: `rebuild` says so.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d.errors import BitstreamError, FormatError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PALETTE = 3
_CHANNELS = {0: 1, 2: 3, PALETTE: 1, 4: 2, 6: 4}
_MAX_SAMPLES = 1 << 30
_LEVELS = (6, 9, 3, 1, 7, 5, 4, 8, 2)
_STRATEGIES = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_RLE, zlib.Z_HUFFMAN_ONLY)
_MEMORY = (8, 9)


@dataclass(frozen=True)
class Deflate:
    """zlib settings that give the file's own stream; level 0 means that none is known."""

    level: int
    strategy: int = 0
    memory: int = 8
    window: int = 15


@dataclass(frozen=True, eq=False)
class PngFile:
    """What a PNG file holds.

    samples   uint8 or uint16 [H, W, C]; palette indices stay indices; depths below 8 bits keep their values
    bits      of a sample in the file
    filters   uint8 [H], the filter type of every row
    before, after   all bytes before the first and behind the last IDAT chunk
    sizes     lengths of the IDAT chunks
    deflate   how the stream was made
    """

    samples: NDArray[np.uint8] | NDArray[np.uint16]
    bits: int
    filters: NDArray[np.uint8]
    before: bytes
    after: bytes
    sizes: tuple[int, ...]
    deflate: Deflate


def parse_png(data: bytes) -> PngFile:
    """Take a PNG file apart.  Raises `FormatError` where it is damaged, interlaced or has a wrong checksum."""
    if not data.startswith(SIGNATURE):
        raise FormatError(f"not a PNG file (its first bytes are {data[:8]!r})")
    at, first, last = 8, 0, 0
    sizes: list[int] = []
    pieces: list[bytes] = []
    while at < len(data):
        if at + 12 > len(data):
            raise FormatError(f"PNG is truncated in the chunk at byte {at}")
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        end = at + 12 + length
        if end > len(data):
            raise FormatError(f"PNG is truncated in the chunk at byte {at}")
        if kind == b"IDAT":
            body = data[at + 8 : end - 4]
            if zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
                raise FormatError(f"PNG has a wrong checksum in the chunk at byte {at}")
            if sizes and at != last:
                raise FormatError("PNG has other chunks between its picture chunks")
            first, last = first if sizes else at, end
            sizes.append(length)
            pieces.append(body)
        at = end
        if kind == b"IEND":
            break
    if not sizes:
        raise FormatError("PNG has no picture")
    width, height, bits, kind_of_color = header_of(data)
    stream = b"".join(pieces)
    channels = _CHANNELS[kind_of_color]
    row = (width * channels * bits + 7) // 8
    raw = inflate(stream, height * (row + 1))
    rows = np.frombuffer(raw, np.uint8).reshape(height, row + 1)
    filters = rows[:, 0].copy()
    if filters.max() > 4:
        raise FormatError("PNG has an unknown row filter")
    plain = rows[:, 1:].copy()
    _unfilter(plain, filters, max(1, channels * bits // 8))
    samples = _to_samples(plain, width, channels, bits)
    if bits < 8 and not np.array_equal(_to_rows(samples, bits), plain):
        raise FormatError("PNG has stray bits at the end of its rows")
    return PngFile(
        samples, bits, filters, data[:first], data[last:], tuple(sizes), find_settings(raw, stream)
    )  # fmt: skip


def rebuild_png(file: PngFile) -> bytes:
    """The file; byte for byte where `file.deflate` is known and this zlib packs alike, else with the same samples."""
    rows = _to_rows(file.samples, file.bits)
    height, row = rows.shape
    raw = np.zeros((height, row + 1), np.uint8)
    raw[:, 0] = file.filters
    channels = file.samples.shape[2]
    _filter(rows, file.filters, max(1, channels * file.bits // 8), raw)
    settings = file.deflate if file.deflate.level else Deflate(9)
    stream = pack(raw.tobytes(), settings)
    sizes = file.sizes
    if sum(sizes) != len(stream):
        step = max(file.sizes)
        sizes = tuple(min(step, len(stream) - i) for i in range(0, len(stream), max(step, 1)))
    out, at = [file.before], 0
    for size in sizes:
        body = b"IDAT" + stream[at : at + size]
        out += [struct.pack(">I", size), body, struct.pack(">I", zlib.crc32(body))]
        at += size
    return b"".join([*out, file.after])


def header_of(data: bytes) -> tuple[int, int, int, int]:
    """Width, height, bits and colour type from the first chunk."""
    if len(data) < 33 or data[12:16] != b"IHDR":
        raise FormatError("PNG does not begin with its header")
    width, height, bits, kind, _, _, interlace = struct.unpack(">IIBBBBB", data[16:29])
    depths = {0: (1, 2, 4, 8, 16), 3: (1, 2, 4, 8)}.get(kind, (8, 16))
    if kind not in _CHANNELS or bits not in depths or not (width and height):
        raise FormatError(f"PNG header is damaged: {width}x{height}, {bits} bits, colour type {kind}")
    if interlace:
        raise FormatError("interlaced PNG files are not taken apart")
    if width * height * _CHANNELS[kind] > _MAX_SAMPLES:
        raise FormatError(f"PNG of {width}x{height} is too large")
    return width, height, bits, kind


def inflate(stream: bytes, size: int) -> bytes:
    """A zlib stream of exactly `size` bytes."""
    # Deflate packs at most 1032 to 1.
    if size > 1040 * len(stream) + 64:
        raise FormatError(f"a picture of {size} bytes does not fit into {len(stream)} packed bytes")
    unpacker = zlib.decompressobj()
    try:
        raw = unpacker.decompress(stream, size + 1)
    except zlib.error as error:
        raise FormatError(f"packed picture data is damaged: {error}") from None
    if len(raw) != size or not unpacker.eof or unpacker.unused_data:
        raise FormatError(f"packed picture data has {len(raw)} bytes instead of {size}, or ends wrongly")
    return raw


def pack(raw: bytes, s: Deflate) -> bytes:
    """The zlib stream that these settings make."""
    packer = zlib.compressobj(s.level, zlib.DEFLATED, s.window, s.memory, s.strategy)
    return packer.compress(raw) + packer.flush()


def find_settings(raw: bytes, stream: bytes) -> Deflate:
    """Settings whose stream is the file's.  A short beginning rules most of them out."""
    window = (stream[0] >> 4) + 8
    if window < 9 or window > 15:
        return Deflate(0)
    head = raw[: 1 << 16]
    for memory, strategy, level in product(_MEMORY, _STRATEGIES, _LEVELS):
        settings = Deflate(level, strategy, memory, window)
        packer = zlib.compressobj(level, zlib.DEFLATED, window, memory, strategy)
        start = packer.compress(head)
        if (
            stream[: len(start)] == start
            and stream[:2] == (start or pack(b"", settings))[:2]
            and pack(raw, settings) == stream
        ):
            return settings
    return Deflate(0)


def _to_samples(
    rows: NDArray[np.uint8], width: int, channels: int, bits: int
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    height = rows.shape[0]
    if bits == 16:
        return rows.view(">u2").astype(np.uint16).reshape(height, width, channels)
    if bits == 8:
        return rows.reshape(height, width, channels)
    spread = np.unpackbits(rows, axis=1).reshape(height, -1, bits)
    weights = 1 << np.arange(bits - 1, -1, -1)
    return (spread @ weights).astype(np.uint8)[:, :width, None]


def _to_rows(samples: NDArray[np.uint8] | NDArray[np.uint16], bits: int) -> NDArray[np.uint8]:
    height = samples.shape[0]
    if bits == 16:
        return np.ascontiguousarray(samples.astype(">u2")).view(np.uint8).reshape(height, -1)
    flat = samples.reshape(height, -1).astype(np.uint8, copy=False)
    if bits == 8:
        return np.ascontiguousarray(flat)
    spread = (flat[:, :, None] >> np.arange(bits - 1, -1, -1)) & 1
    return np.packbits(spread.reshape(height, -1).astype(np.uint8), axis=1)


def settings_of(level: int, strategy: int, memory: int, window: int) -> Deflate:
    """Checked settings of a stream."""
    if not (0 <= level <= 9 and 0 <= strategy <= 4 and 1 <= memory <= 9 and 9 <= window <= 15):
        raise BitstreamError(f"PNG stream has impossible deflate settings {level}, {strategy}, {memory}, {window}")
    return Deflate(level, strategy, memory, window)


@njit(cache=True, nogil=True)
def _paeth(a: Any, b: Any, c: Any) -> Any:
    p = a + b - c
    pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
    if pa <= pb and pa <= pc:
        return a
    return b if pb <= pc else c


@njit(cache=True, nogil=True)
def _predicted(rows: NDArray[np.uint8], kind: int, y: int, i: int, step: int) -> Any:
    a = np.int64(rows[y, i - step]) if i >= step else np.int64(0)
    b = np.int64(rows[y - 1, i]) if y > 0 else np.int64(0)
    if kind == 1:
        return a
    if kind == 2:
        return b
    if kind == 3:
        return (a + b) >> 1
    if kind == 4:
        return _paeth(a, b, np.int64(rows[y - 1, i - step]) if y > 0 and i >= step else np.int64(0))
    return np.int64(0)


@njit(cache=True, nogil=True)
def _unfilter(rows: NDArray[np.uint8], filters: NDArray[np.uint8], step: int) -> None:
    for y in range(rows.shape[0]):
        for i in range(rows.shape[1]):
            rows[y, i] = (rows[y, i] + _predicted(rows, filters[y], y, i, step)) & 0xFF


@njit(cache=True, nogil=True)
def _filter(rows: NDArray[np.uint8], filters: NDArray[np.uint8], step: int, out: NDArray[np.uint8]) -> None:
    for y in range(rows.shape[0]):
        for i in range(rows.shape[1]):
            out[y, i + 1] = (rows[y, i] - _predicted(rows, filters[y], y, i, step)) & 0xFF
