"""TIFF files whose samples lie in them plainly, in one run of strips, pixel by pixel: byte for byte.

Files of deflated strips are taken apart too (`packed`); others (LZW, JPEG, tiles, planes, floats) are kept as they are.
Only the first picture of a file is coded; what else there is stays as it is.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError
from geo3d_compression.image.deflate import Deflate, find_settings, gives, inflate, pack
from geo3d_compression.image.raw import RawFile, cut, typed

SIGNATURES = (b"II*\0", b"MM\0*")
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _OFFSETS, _CHANNELS, _ROWS = 256, 257, 258, 259, 273, 277, 278
_SIZES, _PLANAR, _PREDICTOR, _FORMAT, _FILL = 279, 284, 317, 339, 266
_TYPES = {1: "B", 3: "H", 4: "I"}
_PLAIN, _DEFLATE, _OLD_DEFLATE = 1, 8, 32946
_MOST_VALUES = 1 << 20
_MOST_ENTRIES = 1 << 12


@dataclass(frozen=True, eq=False)
class PackedTiff:
    """A file of deflated strips.

    samples     [H, W, C], with horizontal prediction (see `differences`) already undone
    before, after   the bytes around the strips; sizes: lengths of the strips
    rows        of a strip; predicted: whether rows hold differences of neighbours
    """

    samples: NDArray[np.uint8] | NDArray[np.uint16]
    before: bytes
    after: bytes
    sizes: tuple[int, ...]
    rows: int
    predicted: bool
    little: bool
    deflate: Deflate


def _tags(data: bytes) -> tuple[dict[int, tuple[int, ...]], bool]:
    """Integer tags of the first directory, and whether the file is little-endian."""
    if data[:4] not in SIGNATURES:
        raise FormatError(f"not a TIFF file (its first bytes are {data[:4]!r})")
    order = "<" if data[:2] == b"II" else ">"
    try:
        (at,) = struct.unpack_from(order + "I", data, 4)
        (count,) = struct.unpack_from(order + "H", data, at)
        tags: dict[int, tuple[int, ...]] = {}
        for k in range(min(count, _MOST_ENTRIES)):
            tag, kind, length = struct.unpack_from(order + "HHI", data, at + 2 + 12 * k)
            if kind not in _TYPES or length > _MOST_VALUES:
                continue
            form = order + str(length) + _TYPES[kind]
            place = at + 10 + 12 * k
            if struct.calcsize(form) > 4:
                (place,) = struct.unpack_from(order + "I", data, place)
            tags[tag] = struct.unpack_from(form, data, place)
    except struct.error:
        raise FormatError("TIFF is truncated in its directory") from None
    return tags, order == "<"


def _layout(tags: dict[int, tuple[int, ...]]) -> tuple[int, int, int, int, int]:
    """Height, width, channels, bits and start of the strips; raises where they are not what is coded here."""

    def one(tag: int, default: int) -> int:
        return (tags.get(tag) or (default,))[0]

    height, width, channels = one(_HEIGHT, 0), one(_WIDTH, 0), one(_CHANNELS, 1)
    bits, offsets, sizes = set(tags.get(_BITS, (1,))), tags.get(_OFFSETS, ()), tags.get(_SIZES, ())
    if not (height and width and 1 <= channels <= 4 and bits in ({8}, {16}) and set(tags.get(_FORMAT, (1,))) == {1}):
        raise FormatError(f"TIFF of {width}x{height}, {channels} channels, {sorted(bits)} bits is not taken apart")
    if (one(_PLANAR, 1) != 1 and channels > 1) or one(_FILL, 1) != 1 or not offsets or len(offsets) != len(sizes):
        raise FormatError("TIFF with planes, tiles or turned bits is not taken apart")
    if any(a + s != b for (a, b), s in zip(pairwise(offsets), sizes, strict=False)):
        raise FormatError("TIFF whose strips do not lie in one run is not taken apart")
    return height, width, channels, bits.pop(), offsets[0]


def parse_tiff(data: bytes) -> RawFile:
    """Take a file of plain strips apart.  Raises `FormatError` for all others."""
    tags, little = _tags(data)
    height, width, channels, bits, start = _layout(tags)
    if tags.get(_COMPRESSION, (_PLAIN,))[0] != _PLAIN:
        raise FormatError("TIFF is compressed")
    if sum(tags[_SIZES]) != height * width * channels * bits // 8:
        raise FormatError("TIFF strips do not add up to its picture")
    return cut(data, start, (height, width, channels), bits == 16, little, "TIFF")


def parse_packed(data: bytes, near: bool = False) -> PackedTiff:
    """Take a file of deflated strips apart.  Raises `FormatError` for others, and where no zlib setting gives them.

    `near`: refuse, because other samples make strips of other lengths than the directory says.
    """
    if near:
        raise FormatError("--near takes TIFF files that are not compressed; PNG and WebP files may be")
    tags, little = _tags(data)
    height, width, channels, bits, start = _layout(tags)
    predictor = tags.get(_PREDICTOR, (1,))[0]
    if tags.get(_COMPRESSION, (_PLAIN,))[0] not in (_DEFLATE, _OLD_DEFLATE) or predictor not in (1, 2):
        raise FormatError("TIFF is compressed in a way that is not taken apart")
    rows, sizes = min(tags.get(_ROWS, (height,))[0], height), tags[_SIZES]
    if not rows or len(sizes) != -(-height // rows):
        raise FormatError("TIFF strips do not add up to its picture")
    line = width * channels * bits // 8
    if height * line > 1040 * len(data) + 64:
        raise FormatError(f"TIFF of {width}x{height} does not fit into {len(data)} bytes")
    raw, at = np.zeros((height, line), np.uint8), start
    deflate = Deflate(0)
    for k, size in enumerate(sizes):
        stream = data[at : at + size]
        lines = raw[k * rows : (k + 1) * rows]
        strip = inflate(stream, lines.size)
        deflate = find_settings([strip].copy, stream) if k == 0 else deflate
        if not deflate.level or not gives([strip], deflate, stream):
            raise FormatError("no zlib setting gives the strips of this TIFF file")
        lines[:] = strip.reshape(lines.shape)
        at += size
    dtype = np.dtype("<u2" if little else ">u2") if bits == 16 else np.dtype(np.uint8)
    samples = typed(raw.view(dtype).reshape(height, width, channels), bits == 16)
    if predictor == 2:
        for one in samples:
            np.add.accumulate(one, axis=0, out=one)
    return PackedTiff(samples, data[:start], data[at:], sizes, rows, predictor == 2, little, deflate)


def rebuild_packed(file: PackedTiff) -> bytes:
    """The file; byte for byte where this zlib packs like the file's writer, else raises `FormatError`."""
    strips = [pack([_strip(file, k)], file.deflate) for k in range(0, len(file.samples), file.rows)]
    if tuple(map(len, strips)) != file.sizes:
        raise FormatError("this zlib packs the strips of a TIFF file to other lengths than the one that wrote it")
    return file.before + b"".join(strips) + file.after


def _strip(file: PackedTiff, first: int) -> bytes:
    """The strip that begins at row `first`, before it is packed."""
    samples = file.samples[first : first + file.rows]
    if file.predicted:
        samples = np.diff(samples, axis=1, prepend=np.zeros_like(samples[:, :1]))
    return (samples.astype("<u2" if file.little else ">u2") if samples.dtype == np.uint16 else samples).tobytes()
