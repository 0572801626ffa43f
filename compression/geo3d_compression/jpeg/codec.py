"""A JPEG file as a shorter stream, and back, byte for byte.

    stream = version, profile, length and checksum of the file, number of bands
             skeleton (coded bytes) | padding notes (coded bytes) | one coefficient stream a band

Large pictures are cut into bands of MCU rows that are coded on their own, in parallel.  The encoder decodes its own
stream and compares; a file that does not come back raises `FormatError`, and the caller stores it another way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from geo3d.errors import BitstreamError, FormatError
from geo3d_compression.container.fields import Blob, Choice, Cursor, UInt, pack, put_varint, unpack
from geo3d_compression.entropy.byte_model import decode_bytes, encode_bytes
from geo3d_compression.jpeg import scan
from geo3d_compression.jpeg.file import (
    JpegFile,
    Plane,
    block_count,
    empty_planes,
    flatten,
    mcu_grid,
    parse,
    rebuild,
    unflatten,
)
from geo3d_compression.jpeg.markers import Markers, read_markers
from geo3d_compression.jpeg.model import ModelState, Prediction, decode_planes, encode_planes
from geo3d_compression.jpeg.priors import load_priors
from geo3d_compression.volume.profiles import Profile

# 2: pictures in `fast` have a model of their own.
_VERSION = 2
_LAYOUT = (
    UInt("version", _VERSION, low=_VERSION),
    Choice("profile", ("fast", "best")),
    UInt("length", 1 << 32),
    Blob("checksum", 8),
    UInt("skeleton length", 1 << 28),
    Blob("skeleton", 1 << 28),
    UInt("notes length", 1 << 24),
    Blob("notes", 1 << 24),
    UInt("bands", 1 << 10, low=1),
)
# A band of this many pixels has learned enough for the cut not to matter much (about 0.2 % at 1 Mpixel).  In `fast`,
# smaller pictures are cut in two.
_BAND_PIXELS = 1 << 19
_HALF_PIXELS = {"fast": 1 << 18, "best": 1 << 19}
_MAX_BANDS = 64
_MOST_BLOCKS_A_BYTE = 1 << 14

# First and end row of blocks of every plane.
Rows = list[tuple[int, int]]


@cache
def prelude() -> bytes:
    """Headers that most files begin with: what the byte model reads before a skeleton."""
    return (Path(__file__).parent / "prelude.bin").read_bytes()


def encode_jpeg(data: bytes, profile: Profile = "best", threads: int = 2) -> bytes:
    """The stream of one JPEG file.  Raises `FormatError` if the file cannot be rebuilt exactly."""
    return encode_file(parse(data), data, profile, load_priors, threads=threads, checked=True)


def decode_jpeg(stream: bytes, threads: int = 2) -> bytes:
    """The file of a stream.  Raises `BitstreamError` on anything that `encode_jpeg` did not write."""
    return decode_file(stream, load_priors, threads=threads)[0]


def encode_file(
    file: JpegFile,
    data: bytes,
    profile: Profile,
    state: ModelState | Callable[[Profile], ModelState],
    prediction: Prediction | None = None,
    threads: int = 1,
    checked: bool = False,
) -> bytes:
    """The stream of a parsed file.  `state`: a model that goes on learning (one band), or a function that gives one.

    checked   decode every band as soon as it is coded, write the file from what was parsed, and open the stream: raises
              `FormatError` where anything differs.  Needs a function as `state`, and no prediction
    """
    flat, _ = flatten(file.planes)
    bands = _bands(file.markers, file.planes, profile) if callable(state) else [_whole(file.planes)]

    def code(rows: Rows) -> bytes:
        model = state(profile) if callable(state) else state
        return encode_planes(flat, file.planes, rows, model, profile, prediction)

    notes = _pack_notes(file.pads)
    # What a decoder knows of the pads.
    file = replace(file, pads=_unpack_notes(notes, file.markers, file.planes))
    with ThreadPoolExecutor(max(1, threads)) as pool:
        coding = [pool.submit(code, rows) for rows in bands]
        checks = [pool.submit(_rebuilds, file, data)] if checked else []
        streams = []
        if checked:
            # What it knows of the planes, and where it writes.
            planes = empty_planes(file.markers)
            copy, _ = flatten(planes)
        for rows, future in zip(bands, coding, strict=True):
            streams.append(future.result())
            if checked:
                checks.append(pool.submit(_decodes, streams[-1], copy, flat, planes, rows, profile))
        same = [check.result() for check in checks]
    header = pack(
        _LAYOUT,
        {
            "version": _VERSION,
            "profile": profile,
            "length": len(data),
            "checksum": xxhash.xxh3_64_digest(data)[:4],
            "skeleton length": len(file.skeleton),
            "skeleton": encode_bytes(file.skeleton, prelude()),
            "notes length": len(notes),
            "notes": encode_bytes(notes),
            "bands": len(bands),
        },
    )
    out = bytearray(header)
    for s in streams:
        put_varint(out, len(s))
    stream = bytes(out) + b"".join(streams)
    if checked and not (all(same) and _opens(stream, file, streams, bands)):
        raise FormatError("this JPEG file does not come back exactly; it has to be stored")
    return stream


def _rebuilds(file: JpegFile, data: bytes) -> bool:
    return rebuild(file) == data


def _decodes(
    stream: bytes,
    copy: NDArray[np.int16],
    flat: NDArray[np.int16],
    planes: Sequence[Plane],
    rows: Rows,
    profile: Profile,
) -> bool:
    """Does a band give the coefficients `flat` back?  `copy`: zeros, for all bands."""
    try:
        decode_planes(stream, copy, planes, rows, load_priors(profile), profile)
    except BitstreamError:
        return False
    first = 0
    for plane, (start, end) in zip(planes, rows, strict=True):
        width = 64 * plane.coefs.shape[1]
        part = slice(first + width * start, first + width * end)
        if not np.array_equal(copy[part], flat[part]):
            return False
        first += plane.coefs.size
    return True


def _opens(stream: bytes, file: JpegFile, streams: Sequence[bytes], bands: Sequence[Rows]) -> bool:
    """Does a decoder find in a stream what an encoder has put there?"""
    try:
        _, opened, found, found_bands = _open(stream, banded=True)
    except BitstreamError:
        return False
    return (
        opened.skeleton == file.skeleton
        and all(np.array_equal(a, b) for a, b in zip(opened.pads, file.pads, strict=True))
        and found == list(streams)
        and found_bands == list(bands)
    )


def decode_file(
    stream: bytes,
    state: ModelState | Callable[[Profile], ModelState],
    predict: Callable[[JpegFile], Prediction | None] | None = None,
    threads: int = 1,
    mark: Callable[[int], NDArray[np.int64]] | None = None,
) -> tuple[bytes, JpegFile]:
    """The file and its parts.  `predict`: a function from the empty file to its `Prediction`, or None.

    mark   a function from the number of blocks to the array that `decode_planes` fills
    """
    header, file, streams, bands = _open(stream, banded=callable(state))
    planes = file.planes
    prediction = predict(file) if predict is not None else None
    flat, _ = flatten(planes)
    marks = None if mark is None else mark(flat.size // 64)

    def code(band: tuple[bytes, Rows]) -> None:
        model = state(header["profile"]) if callable(state) else state
        decode_planes(band[0], flat, planes, band[1], model, header["profile"], prediction, marks)

    with ThreadPoolExecutor(max(1, threads)) as pool:
        list(pool.map(code, zip(streams, bands, strict=True)))
    file = replace(file, planes=unflatten(flat, planes))
    try:
        data = rebuild(file)
    except FormatError as error:
        raise BitstreamError(f"JPEG stream is damaged: {error}") from error
    if len(data) != header["length"] or xxhash.xxh3_64_digest(data)[:4] != header["checksum"]:
        raise BitstreamError("JPEG stream is damaged: the file that it gives has another checksum")
    return data, file


def _open(stream: bytes, banded: bool) -> tuple[dict[str, Any], JpegFile, list[bytes], list[Rows]]:
    """Header, file without coefficients, and the bands' streams and rows."""
    cursor = Cursor(stream, "JPEG stream")
    header = unpack(_LAYOUT, cursor)
    try:
        skeleton = decode_bytes(header["skeleton"], header["skeleton length"], prelude())
        markers = read_markers(skeleton, skeleton=True)
        blocks = block_count(markers)
        if blocks > min(8 * header["length"], _MOST_BLOCKS_A_BYTE * (cursor.left + 64)):
            raise BitstreamError(f"a stream of {cursor.left} bytes cannot hold {blocks} blocks")
        planes = empty_planes(markers)
    except BitstreamError:
        raise
    except FormatError as error:
        raise BitstreamError(f"JPEG stream is damaged: {error}") from error
    pads = _unpack_notes(decode_bytes(header["notes"], header["notes length"]), markers, planes)
    bands = _bands(markers, planes, header["profile"]) if banded else [_whole(planes)]
    if header["bands"] != len(bands):
        raise BitstreamError(f"JPEG stream has {header['bands']} bands, the picture has {len(bands)}")
    lengths = [cursor.varint() for _ in bands]
    streams = [cursor.take(n) for n in lengths]
    cursor.finish()
    return header, JpegFile(skeleton, markers, planes, pads), streams, bands


def _whole(planes: Sequence[Plane]) -> Rows:
    return [(0, p.coefs.shape[0]) for p in planes]


def _bands(markers: Markers, planes: Sequence[Plane], profile: Profile) -> list[Rows]:
    """For each band the first and end row of blocks of every plane; cut at MCU rows by the picture's size alone."""
    rows, pixels = mcu_grid(markers)[1], markers.width * markers.height
    wanted = max(1, min(2, pixels // _HALF_PIXELS[profile]), pixels // _BAND_PIXELS)
    count = min(wanted, _MAX_BANDS, rows)
    cuts = [rows * i // count for i in range(count + 1)]
    return [[(a * p.vertical, b * p.vertical) for p in planes] for a, b in pairwise(cuts)]


def _pack_notes(pads: Sequence[NDArray[np.int64]]) -> bytes:
    """For each scan 0 (padded with ones), 1 (with zeros), or 2 and two bytes a restart interval."""
    out = bytearray()
    for pad in pads:
        bits, counts = pad & 0xFF, pad >> 8
        if (bits == (1 << counts) - 1).all():
            out.append(0)
        elif (bits == 0).all():
            out.append(1)
        else:
            out.append(2)
            out += np.stack([bits, counts], axis=1).astype(np.uint8).tobytes()
    return bytes(out)


def _unpack_notes(notes: bytes, markers: Markers, planes: Sequence[Plane]) -> tuple[NDArray[np.int64], ...]:
    cursor = Cursor(notes, "padding notes of the JPEG stream")
    pads = []
    columns, rows = mcu_grid(markers)
    for s in markers.scans:
        mcus = columns * rows
        if len(s.components) == 1:
            mcus = planes[s.components[0]].columns * planes[s.components[0]].rows
        intervals = -(-mcus // s.restart) if s.restart else 1
        mode = cursor.take(1)[0]
        if mode > 2:
            raise BitstreamError(f"padding notes of the JPEG stream have mode {mode}, known are 0 to 2")
        if mode < 2:
            pads.append(np.full(intervals, scan.FILL_ZEROS if mode else scan.FILL_ONES, np.int64))
        else:
            pairs = np.frombuffer(cursor.take(2 * intervals), np.uint8).reshape(-1, 2).astype(np.int64)
            pads.append(pairs[:, 0] | (pairs[:, 1] & 7) << 8)
    cursor.finish()
    return tuple(pads)
