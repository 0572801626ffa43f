"""Any file's bytes as the shortest stream that gives them back: JPEG, other pictures, text, or as they are.

The first byte names the method; methods are tried by what the file is, and every stream is decoded and compared before
it is taken.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable

import numpy as np
import xxhash

from geo3d.errors import BitstreamError, FormatError, Geo3DError
from geo3d_compression.container.fields import Blob, Cursor, Field, UInt, pack, put_varint, unpack
from geo3d_compression.entropy.byte_model import decode_bytes, encode_bytes
from geo3d_compression.image.deflate import settings_of
from geo3d_compression.image.files import decode_raw, decode_tiff, decode_webp, encode_raw, encode_tiff, encode_webp
from geo3d_compression.image.lossless import decode_samples, encode_samples
from geo3d_compression.image.npy import SIGNATURE as NPY_SIGNATURE
from geo3d_compression.image.npy import parse_npy
from geo3d_compression.image.png import PALETTE, SIGNATURE, PngFile, header_of, parse_png, rebuild_png
from geo3d_compression.image.pnm import SIGNATURES as PNM_SIGNATURES
from geo3d_compression.image.pnm import parse_pnm
from geo3d_compression.image.raw import typed
from geo3d_compression.image.tiff import SIGNATURES as TIFF_SIGNATURES
from geo3d_compression.image.tiff import parse_packed, parse_tiff
from geo3d_compression.image.webp import is_webp, parse_webp
from geo3d_compression.jpeg.codec import decode_jpeg, encode_jpeg
from geo3d_compression.volume.profiles import Profile

_LOG = logging.getLogger(__name__)
_PLAIN, _DEFLATED, _MIXED, _JPEG, _PNG, _JXL, _PNM, _NPY, _TIFF, _PACKED_TIFF, _WEBP = range(11)
METHODS = ("stored", "deflate", "bytes", "jpeg", "png", "jpegxl", "pnm", "npy", "tiff", "packed tiff", "webp")
# The byte model is slow; larger files of unknown kind are deflated.
_MOST_MIXED = 1 << 18
_PNG_FIELDS: tuple[Field, ...] = (
    UInt("bits", 16, low=1), UInt("level", 9), UInt("strategy", 4), UInt("memory", 9, low=1), UInt("window", 15, low=9),
    UInt("size", 1 << 32), Blob("checksum", 8), UInt("length", 1 << 30), Blob("rest", 1 << 30),
)  # fmt: skip


def encode_bytes_any(data: bytes, profile: Profile = "best", threads: int = 1) -> bytes:
    """The shortest stream that was found for `data`; never more than one byte longer than it."""
    for method, encode in _candidates(data, profile, threads):
        try:
            stream = bytes([method]) + encode()
            # A stream that does not give the very bytes back is no candidate.  `encode_jpeg` has looked already.
            if len(stream) <= len(data) and (method == _JPEG or decode_bytes_any(stream, threads) == data):
                return stream
        except Geo3DError:
            continue
    return bytes([_PLAIN]) + data


def method_of(stream: bytes) -> str:
    """The name of a stream's method."""
    if not stream or stream[0] >= len(METHODS):
        raise BitstreamError("a stored file has an unknown method")
    return METHODS[stream[0]]


def decode_bytes_any(stream: bytes, threads: int = 2, quiet: bool = False) -> bytes:
    """The bytes of a stream of `encode_bytes_any`; `quiet`: nobody expects the very bytes of a PNG file."""
    method, body = method_of(stream), stream[1:]
    if method == "stored":
        return body
    if method == "deflate":
        return _inflate(body)
    if method == "bytes":
        cursor = Cursor(body, "stored file")
        length = cursor.varint()
        return decode_bytes(cursor.take(cursor.left), length)
    if method == "jpeg":
        return decode_jpeg(body, threads)
    if method == "png":
        data, exact = decode_png(body, threads)
        if not exact and not quiet:
            _LOG.warning("a PNG file has its samples and chunks, but not its very bytes: this zlib packs differently")
        return data
    if method in ("pnm", "npy", "tiff"):
        return decode_raw(body, threads)
    if method == "packed tiff":
        return decode_tiff(body, threads)
    if method == "webp":
        return decode_webp(body, threads)
    return _jxl_decode(body)


def _candidates(data: bytes, profile: Profile, threads: int) -> list[tuple[int, Callable[[], bytes]]]:
    tries: list[tuple[int, Callable[[], bytes]]] = []
    if data[:2] == b"\xff\xd8":
        tries.append((_JPEG, lambda: encode_jpeg(data, profile, threads)))
        tries.append((_JXL, lambda: _jxl_encode(data)))
    tries += samples_of(data, profile, threads)
    if len(data) <= _MOST_MIXED:
        tries.append((_MIXED, lambda: _mixed(data)))
    tries.append((_DEFLATED, lambda: zlib.compress(data, 9)))
    return tries


def _mixed(data: bytes) -> bytes:
    out = bytearray()
    put_varint(out, len(data))
    return bytes(out) + encode_bytes(data)


def _inflate(body: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(body)
    except zlib.error as error:
        raise BitstreamError(f"deflated data is damaged: {error}") from error
    if not unpacker.eof or unpacker.unused_data:
        raise BitstreamError("deflated data is truncated")
    return data


def samples_of(data: bytes, profile: Profile, threads: int, near: int = 0) -> list[tuple[int, Callable[[], bytes]]]:
    """Ways to code a picture file by its samples (first bytes, and functions that give the rest)."""
    if data.startswith(SIGNATURE):
        return [(_PNG, lambda: encode_png(data, profile, threads, near))]
    if data[:2] in PNM_SIGNATURES:
        return [(_PNM, lambda: encode_raw(parse_pnm(data), profile, threads, near))]
    if data.startswith(NPY_SIGNATURE):
        return [(_NPY, lambda: encode_raw(parse_npy(data), profile, threads, near))]
    if data[:4] in TIFF_SIGNATURES:
        return [
            (_TIFF, lambda: encode_raw(parse_tiff(data), profile, threads, near)),
            (_PACKED_TIFF, lambda: encode_tiff(parse_packed(data, near > 0), profile, threads, near)),
        ]
    if is_webp(data):
        return [(_WEBP, lambda: encode_webp(parse_webp(data), profile, threads, near))]
    return []


def _jxl_encode(data: bytes) -> bytes:
    from geo3d.optional import require

    codecs = require("imagecodecs", "peers", "JPEG XL's lossless transcode of a JPEG file")
    try:
        return codecs.jpegxl_encode_jpeg(data)
    except Exception as error:
        raise FormatError(f"JPEG XL does not take this file: {error}") from error


def _jxl_decode(body: bytes) -> bytes:
    from geo3d.optional import require

    codecs = require("imagecodecs", "peers", "a picture stored as JPEG XL")
    try:
        return codecs.jpegxl_decode_jpeg(body)
    except Exception as error:
        raise BitstreamError(f"JPEG XL data is damaged: {error}") from error


def encode_png(data: bytes, profile: Profile = "best", threads: int = 1, near: int = 0) -> bytes:
    """The stream of a PNG file: its samples, its filters, and the rest of its bytes; `near`: see `lossless`."""
    file = parse_png(data)
    if near and header_of(data)[3] == PALETTE:
        raise FormatError("--near means nothing for a PNG file with a palette: its samples are numbers of colours")
    rest = bytearray()
    for part in (file.before, file.after, file.filters.tobytes(), np.array(file.sizes, "<u4").tobytes()):
        rest += len(part).to_bytes(4, "little") + part
    s = file.deflate
    head = pack(_PNG_FIELDS, {
        "bits": file.bits, "level": s.level, "strategy": s.strategy, "memory": s.memory, "window": s.window,
        "size": len(data), "checksum": xxhash.xxh3_64_digest(data), "length": len(rest),
        "rest": encode_bytes(bytes(rest), _PNG_PRELUDE),
    })  # fmt: skip
    return head + encode_samples(file.samples, profile, threads, near)


def decode_png(stream: bytes, threads: int = 2) -> tuple[bytes, bool]:
    """A PNG file and whether it is the very file: False where only chunks and samples are."""
    cursor = Cursor(stream, "PNG stream")
    head = unpack(_PNG_FIELDS, cursor)
    rest = Cursor(decode_bytes(head["rest"], head["length"], _PNG_PRELUDE), "PNG stream")
    before, after, filters, sizes = (rest.take(int.from_bytes(rest.take(4), "little")) for _ in range(4))
    rest.finish()
    samples = decode_samples(cursor.take(cursor.left), threads)
    if len(filters) != len(samples) or not len(sizes) or len(sizes) % 4:
        raise BitstreamError("PNG stream is damaged: its parts do not fit together")
    kinds = np.frombuffer(filters, np.uint8)
    if kinds.max() > 4 or (head["bits"] != 16 and samples.max() >= 1 << head["bits"]):
        raise BitstreamError("PNG stream is damaged: its samples or filters are out of range")
    settings = settings_of(head["level"], head["strategy"], head["memory"], head["window"])
    values = typed(samples, head["bits"] == 16)
    lengths = tuple(int(v) for v in np.frombuffer(sizes, "<u4"))
    data = rebuild_png(PngFile(values, head["bits"], kinds, before, after, lengths, settings))
    return data, len(data) == head["size"] and xxhash.xxh3_64_digest(data) == head["checksum"]


# What most PNG files begin and end with.
_PNG_PRELUDE = (
    bytes(200) + b"\x01" * 64 + b"\x04" * 64 + b"\x02" * 64
    + (21).to_bytes(4, "little") + b"\0\0\0\0IEND\xaeB`\x82" + (33).to_bytes(4, "little")
    + SIGNATURE + b"\0\0\0\rIHDR\0\0\2\x80\0\0\1\xe0\x08\2\0\0\0"
)  # fmt: skip
