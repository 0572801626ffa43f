"""Picture files as streams of their samples and of the bytes around them: PGM, PPM, NumPy, TIFF, WebP.

    stream = what the format needs | lengths and bytes around the samples | samples (see `lossless`)

`near` lets samples change by that much; such a stream gives a file of the same kind, but not the same file.
"""

from __future__ import annotations

import numpy as np

from geo3d.errors import BitstreamError, FormatError
from geo3d_compression.container.fields import Cursor, put_varint
from geo3d_compression.entropy.byte_model import decode_bytes, encode_bytes
from geo3d_compression.image import tiff, webp
from geo3d_compression.image.deflate import settings_of
from geo3d_compression.image.lossless import decode_samples, encode_samples
from geo3d_compression.image.raw import RawFile, rebuild_raw, typed
from geo3d_compression.volume.profiles import Profile

# First byte of a plain file's stream: 8 bits; 16 bits, big-endian; 16 bits, little-endian.
_NARROW, _BIG, _LITTLE = 1, 2, 3
# The byte model is slow: files with more beside their first picture (several pages) are kept another way.
_MOST_AROUND = 1 << 18


def encode_raw(file: RawFile, profile: Profile, threads: int, near: int = 0) -> bytes:
    """The stream of a file of plain samples."""
    kind = _NARROW if file.samples.dtype == np.uint8 else _LITTLE if file.little else _BIG
    around = _pack_around(file.before, file.after)
    return bytes([kind]) + around + encode_samples(file.samples, profile, threads, near)


def decode_raw(body: bytes, threads: int) -> bytes:
    """The file of `encode_raw`."""
    cursor = Cursor(body, "picture file")
    kind = cursor.take(1)[0]
    before, after = _unpack_around(cursor)
    samples = decode_samples(cursor.take(cursor.left), threads)
    return rebuild_raw(RawFile(typed(samples, kind in (_BIG, _LITTLE)), before, after, kind == _LITTLE))


def encode_tiff(file: tiff.PackedTiff, profile: Profile, threads: int, near: int = 0) -> bytes:
    """The stream of a TIFF file of deflated strips."""
    out = bytearray()
    s = file.deflate
    wide = file.samples.dtype == np.uint16
    for value in (s.level, s.strategy, s.memory, s.window, file.rows, file.predicted, file.little, wide):
        put_varint(out, int(value))
    sizes = np.array(file.sizes, "<u4").tobytes()
    around = _pack_around(file.before, file.after, sizes)
    return bytes(out) + around + encode_samples(file.samples, profile, threads, near)


def decode_tiff(body: bytes, threads: int) -> bytes:
    """The file of `encode_tiff`."""
    cursor = Cursor(body, "TIFF stream")
    settings = settings_of(*(cursor.varint() for _ in range(4)))
    rows, predicted, little, wide = (cursor.varint() for _ in range(4))
    before, after, sizes = _unpack_around(cursor, 3)
    samples = decode_samples(cursor.take(cursor.left), threads)
    if not 1 <= rows <= len(samples) or len(sizes) % 4:
        raise BitstreamError("a TIFF stream has strips that do not fit its picture")
    lengths = tuple(int(v) for v in np.frombuffer(sizes, "<u4"))
    file = tiff.PackedTiff(
        typed(samples, wide > 0), before, after, lengths, rows, bool(predicted), bool(little), settings
    )
    try:
        return tiff.rebuild_packed(file)
    except FormatError as error:
        raise BitstreamError(str(error)) from error


def encode_webp(file: webp.WebpFile, profile: Profile, threads: int, near: int = 0) -> bytes:
    """The stream of a lossless WebP file."""
    around = _pack_around(file.before, file.after)
    return bytes([0 if near else file.settings]) + around + encode_samples(file.samples, profile, threads, near)


def decode_webp(body: bytes, threads: int) -> bytes:
    """The file of `encode_webp`; its samples and chunks where its bytes cannot be had."""
    cursor = Cursor(body, "WebP stream")
    settings = cursor.take(1)[0]
    before, after = _unpack_around(cursor)
    samples = decode_samples(cursor.take(cursor.left), threads).astype(np.uint8, copy=False)
    if settings >= webp.settings_count() or samples.shape[2] < 3:
        raise BitstreamError("a WebP stream has unknown settings, or too few channels")
    return webp.rebuild_webp(webp.WebpFile(samples, before, after, settings))


def _pack_around(*parts: bytes) -> bytes:
    out = bytearray()
    for part in parts:
        if len(part) > _MOST_AROUND:
            raise FormatError(f"the file holds {len(part)} bytes beside its picture")
        coded = encode_bytes(part)
        put_varint(out, len(part))
        put_varint(out, len(coded))
        out += coded
    return bytes(out)


def _unpack_around(cursor: Cursor, count: int = 2) -> list[bytes]:
    parts = []
    for _ in range(count):
        length = cursor.varint()
        if length > _MOST_AROUND:
            raise BitstreamError(f"a picture file claims {length} bytes around its samples")
        parts.append(decode_bytes(cursor.take(cursor.varint()), length))
    return parts
