"""PNG files taken apart: samples, filters, the deflate settings that made the file, and all other bytes.

Most PNG writers call zlib; the settings (level, strategy, memory, window) are found by trying, and then the file comes
back byte for byte.  Where no setting fits, or on a machine whose zlib packs differently, the file that comes back has
the same chunks and samples, but its own deflate stream: `rebuild` says so.
"""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d.errors import FormatError
from geo3d_compression.image.deflate import Deflate, find_settings, inflate, pack

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PALETTE = 3
_CHANNELS = {0: 1, 2: 3, PALETTE: 1, 4: 2, 6: 4}
_MAX_SAMPLES = 1 << 30
# Bytes of rows that are filtered and packed at once.
_BLOCK = 1 << 25


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


def parse_png(data: bytes, settings: bool = True) -> PngFile:
    """Take a PNG file apart.  Raises `FormatError` where it is damaged, interlaced or has a wrong checksum.

    settings   whether to look for how the stream was made, which takes most of the time
    """
    if not data.startswith(SIGNATURE):
        raise FormatError(f"not a PNG file (its first bytes are {data[:8]!r})")
    at, first, last = 8, 0, 0
    sizes: list[int] = []
    pieces: list[memoryview] = []
    view = memoryview(data)
    while at < len(data):
        if at + 12 > len(data):
            raise FormatError(f"PNG is truncated in the chunk at byte {at}")
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        end = at + 12 + length
        if end > len(data):
            raise FormatError(f"PNG is truncated in the chunk at byte {at}")
        if kind == b"IDAT":
            if zlib.crc32(view[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
                raise FormatError(f"PNG has a wrong checksum in the chunk at byte {at}")
            if sizes and at != last:
                raise FormatError("PNG has other chunks between its picture chunks")
            first, last = first if sizes else at, end
            sizes.append(length)
            pieces.append(view[at + 8 : end - 4])
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
    filters = raw.reshape(height, row + 1)[:, 0].copy()
    if filters.max() > 4:
        raise FormatError("PNG has an unknown row filter")
    plain = raw[: height * row].reshape(height, row)
    _unfilter(raw, plain, filters, max(1, channels * bits // 8))
    samples = _to_samples(plain, width, channels, bits)
    if bits < 8 and any(
        not np.array_equal(_to_rows(samples[a:b], bits), plain[a:b]) for a, b in _blocks(height, 8 * row)
    ):
        raise FormatError("PNG has stray bits at the end of its rows")
    deflate = find_settings(lambda: _filtered(samples, bits, filters), stream) if settings else Deflate(0)
    return PngFile(samples, bits, filters, data[:first], data[last:], tuple(sizes), deflate)


def rebuild_png(file: PngFile) -> bytes:
    """The file; byte for byte where `file.deflate` is known and this zlib packs alike, else with the same samples."""
    settings = file.deflate if file.deflate.level else Deflate(9)
    stream = pack(_filtered(file.samples, file.bits, file.filters), settings)
    sizes = file.sizes
    if sum(sizes) != len(stream):
        step = max(file.sizes)
        sizes = tuple(min(step, len(stream) - i) for i in range(0, len(stream), max(step, 1)))
    out: list[bytes | memoryview] = [file.before]
    view, at = memoryview(stream), 0
    for size in sizes:
        body = view[at : at + size]
        checksum = zlib.crc32(body, zlib.crc32(b"IDAT"))
        out += [struct.pack(">I4s", size, b"IDAT"), body, struct.pack(">I", checksum)]
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


def _to_samples(rows: NDArray[np.uint8], width: int, channels: int, bits: int) -> NDArray[Any]:
    """[H, W, C] samples of rows of the file; 16-bit rows are turned in place."""
    height = rows.shape[0]
    if bits == 16:
        wide = rows.view(np.uint16)
        return (wide.byteswap(inplace=True) if sys.byteorder == "little" else wide).reshape(height, width, channels)
    if bits == 8:
        return rows.reshape(height, width, channels)
    samples = np.zeros((height, width, 1), np.uint8)
    for a, b in _blocks(height, 8 * rows.shape[1]):
        spread = np.unpackbits(rows[a:b], axis=1).reshape(b - a, -1, bits)
        samples[a:b, :, 0] = np.packbits(spread, axis=2)[:, :width, 0] >> (8 - bits)
    return samples


def _to_rows(samples: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    height = samples.shape[0]
    if bits == 16:
        return np.ascontiguousarray(samples.astype(">u2")).view(np.uint8).reshape(height, -1)
    flat = samples.reshape(height, -1).astype(np.uint8, copy=False)
    if bits == 8:
        return np.ascontiguousarray(flat)
    spread = (flat[:, :, None] >> np.arange(bits - 1, -1, -1, dtype=np.uint8)) & 1
    return np.packbits(spread.reshape(height, -1), axis=1)


def _blocks(height: int, row: int) -> list[tuple[int, int]]:
    """First and end rows of blocks of at most `_BLOCK` bytes: a large picture is never held twice."""
    step = max(1, _BLOCK // row)
    return [(a, min(a + step, height)) for a in range(0, height, step)]


def _filtered(samples: NDArray[Any], bits: int, filters: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """What the file packs, each row behind its filter's number, a block of rows at a time."""
    height, width, channels = samples.shape
    row = (width * channels * bits + 7) // 8
    for a, b in _blocks(height, row):
        first = min(a, 1)
        rows = _to_rows(samples[a - first : b], bits)
        out = np.zeros((b - a, row + 1), np.uint8)
        out[:, 0] = filters[a:b]
        _filter(rows, first, filters[a:b], max(1, channels * bits // 8), out)
        yield out.reshape(-1)


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
def _unfilter(raw: NDArray[np.uint8], rows: NDArray[np.uint8], filters: NDArray[np.uint8], step: int) -> None:
    """Undo the filters of `raw`, in place: `rows` are its beginning, where the rows move up without their numbers."""
    width = rows.shape[1]
    for y in range(rows.shape[0]):
        start = y * (width + 1) + 1
        for i in range(width):
            rows[y, i] = (raw[start + i] + _predicted(rows, filters[y], y, i, step)) & 0xFF


@njit(cache=True, nogil=True)
def _filter(rows: NDArray[np.uint8], first: int, filters: NDArray[np.uint8], step: int, out: NDArray[np.uint8]) -> None:
    """Filter `rows`; the first one is only there to predict from where `first` is 1."""
    for y in range(first, rows.shape[0]):
        for i in range(rows.shape[1]):
            out[y - first, i + 1] = (rows[y, i] - _predicted(rows, filters[y - first], y, i, step)) & 0xFF
