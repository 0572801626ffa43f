"""A JPEG file taken apart into what its coefficients say and what they do not, and put together again, byte for byte.

file = skeleton (all markers, metadata, trailing bytes) + coefficients + padding bits
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError
from geo3d_compression.jpeg import huffman, scan
from geo3d_compression.jpeg.markers import Markers, Scan, read_markers
from geo3d_compression.jpeg.scan_reader import read_scan, unstuff
from geo3d_compression.jpeg.scan_writer import write_scan

_REASONS = {
    scan.TRUNCATED: "ends too early",
    scan.BAD_CODE: "holds a code that its table lacks",
    scan.BAD_VALUE: "holds an impossible value",
    scan.LEFT_OVER: "has bytes behind its last block",
}


@dataclass(frozen=True, eq=False)
class Plane:
    """Quantised coefficients of one component.

    coefs     int16 [rows, columns, 64], natural order; whole MCUs, that is, more blocks than the picture shows
    table     int32 [64] quantisation steps, natural order
    columns, rows   blocks that the picture covers
    horizontal, vertical   sampling factors
    """

    coefs: NDArray[np.int16]
    table: NDArray[np.int32]
    columns: int
    rows: int
    horizontal: int
    vertical: int


@dataclass(frozen=True, eq=False)
class JpegFile:
    """What a JPEG file holds.

    skeleton   the file without its entropy-coded segments
    markers    the skeleton, parsed
    planes     one `Plane` a component
    pads       for each scan: int64 [restart intervals] the bits that fill its last byte, bits | count << 8
    """

    skeleton: bytes
    markers: Markers
    planes: tuple[Plane, ...]
    pads: tuple[NDArray[np.int64], ...]


def _ceil(a: int, b: int) -> int:
    return -(-a // b)


def empty_planes(markers: Markers) -> tuple[Plane, ...]:
    """Planes of zeros of the sizes that the frame header announces."""
    h_max = max(c.horizontal for c in markers.components)
    v_max = max(c.vertical for c in markers.components)
    mcu_columns, mcu_rows = mcu_grid(markers)
    flat, at = np.zeros(64 * block_count(markers), np.int16), 0
    planes = []
    for c in markers.components:
        if c.table not in markers.quantisation:
            raise FormatError(f"JPEG component {c.identifier} has no quantisation table")
        table = np.zeros(64, np.int32)
        table[scan.ZIGZAG] = markers.quantisation[c.table]
        shape = (mcu_rows * c.vertical, mcu_columns * c.horizontal, 64)
        coefs = flat[at : at + math.prod(shape)].reshape(shape)
        at += coefs.size
        columns = _ceil(_ceil(markers.width * c.horizontal, h_max), 8)
        rows = _ceil(_ceil(markers.height * c.vertical, v_max), 8)
        planes.append(Plane(coefs, table, columns, rows, c.horizontal, c.vertical))
    return tuple(planes)


def mcu_grid(markers: Markers) -> tuple[int, int]:
    """Columns and rows of interleaved MCUs."""
    h_max = max(c.horizontal for c in markers.components)
    v_max = max(c.vertical for c in markers.components)
    return -(-markers.width // (8 * h_max)), -(-markers.height // (8 * v_max))


def block_count(markers: Markers) -> int:
    """Blocks of all planes."""
    columns, rows = mcu_grid(markers)
    return columns * rows * sum(c.horizontal * c.vertical for c in markers.components)


def parse(data: bytes) -> JpegFile:
    """Take a JPEG file apart.  Raises `FormatError` where it is damaged or of a kind that is not rebuilt."""
    markers = read_markers(data, skeleton=False)
    # Every block costs at least one bit, so that a short hostile file cannot claim a large picture.
    if block_count(markers) > 8 * len(data):
        raise FormatError(f"JPEG of {markers.width}x{markers.height} does not fit into {len(data)} bytes")
    planes = empty_planes(markers)
    flat, offsets = flatten(planes)
    raw = np.frombuffer(data, np.uint8)
    pieces, pads, kept = [], [], 0
    for number, s in enumerate(markers.scans):
        end = _segment_end(data, s.start)
        pieces.append(data[kept : s.start])
        kept = end
        clean = np.zeros(max(end - s.start, 1), np.uint8)
        layout, mcus = _layout(markers, planes, offsets, s)
        expected = 1 if s.restart == 0 else -(-int(mcus[0] * mcus[1]) // s.restart)
        ends = np.zeros(expected, np.int64)
        _, intervals, ordered = unstuff(raw, s.start, end, clean, ends)
        if not ordered:
            raise FormatError(f"JPEG scan {number} has restart markers out of order")
        pad = np.zeros(intervals, np.int64)
        status = read_scan(
            clean, ends, intervals, flat, layout, mcus, _luts(s, s.dc), _luts(s, s.ac),
            s.first, s.last, s.high, s.low, markers.progressive, s.restart, pad,
        )  # fmt: skip
        if status != scan.OK:
            raise FormatError(f"JPEG scan {number} {_REASONS[status]}")
        pads.append(pad)
    pieces.append(data[kept:])
    skeleton = b"".join(pieces)
    return JpegFile(skeleton, read_markers(skeleton, skeleton=True), unflatten(flat, planes), tuple(pads))


def rebuild(file: JpegFile) -> bytes:
    """The bytes of the file.  Raises `FormatError` if its tables cannot express its coefficients."""
    flat, offsets = flatten(file.planes)
    nonzero = int(np.count_nonzero(flat))
    pieces: list[bytes] = []
    kept = 0
    for number, (s, pad) in enumerate(zip(file.markers.scans, file.pads, strict=True)):
        layout, mcus = _layout(file.markers, file.planes, offsets, s)
        blocks = sum(int(mcus[0] * mcus[1] * row[4] * row[5]) for row in layout)
        out = np.zeros(8 * nonzero + 40 * blocks + 16 * len(pad) + (1 << 14), np.uint8)
        tables = [np.stack([huffman.encoder(t) for t in kind]) for kind in (s.dc, s.ac)]
        length = write_scan(
            out, flat, layout, mcus, *tables, s.first, s.last, s.high, s.low, file.markers.progressive, s.restart, pad
        )
        if length < 0:
            raise FormatError(f"JPEG scan {number} cannot be written with its own tables")
        pieces += [file.skeleton[kept : s.start], out[:length].tobytes()]
        kept = s.start
    return b"".join([*pieces, file.skeleton[kept:]])


def _segment_end(data: bytes, at: int) -> int:
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            return len(data)
        if data[at + 1] != 0 and not 0xD0 <= data[at + 1] <= 0xD7:
            return at
        at += 2


def _luts(s: Scan, tables: tuple) -> NDArray[np.int32]:
    return np.stack([huffman.decoder(t) for t in tables])


def _layout(
    markers: Markers, planes: tuple[Plane, ...], offsets: list[int], s: Scan
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows for `read_scan`, and the scan's columns and rows of MCUs."""
    rows = []
    for c in s.components:
        p = planes[c]
        h, v = (1, 1) if len(s.components) == 1 else (p.horizontal, p.vertical)
        rows.append([offsets[c], p.coefs.shape[1], p.columns, p.rows, h, v])
    if len(s.components) == 1:
        mcus = (planes[s.components[0]].columns, planes[s.components[0]].rows)
    else:
        mcus = mcu_grid(markers)
    return np.array(rows, np.int64), np.array(mcus, np.int64)


def flatten(planes: tuple[Plane, ...]) -> tuple[NDArray[np.int16], list[int]]:
    """The coefficients of all planes, one after the other, and where each plane begins.

    Planes of `empty_planes` and `unflatten` are parts of one array: that array, not a copy.
    """
    sizes = [p.coefs.size for p in planes]
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    whole = planes[0].coefs.base
    if isinstance(whole, np.ndarray) and whole.dtype == np.int16 and whole.shape == (sum(sizes),):
        first = whole.ctypes.data
        places = [(p.coefs.ctypes.data - first) // whole.itemsize for p in planes]
        if places == starts and all(p.coefs.base is whole for p in planes):
            return whole, starts
    return np.concatenate([p.coefs.reshape(-1) for p in planes]), starts


def unflatten(flat: NDArray[np.int16], planes: tuple[Plane, ...]) -> tuple[Plane, ...]:
    """The planes with the coefficients of `flat`."""
    result, at = [], 0
    for p in planes:
        coefs = flat[at : at + p.coefs.size].reshape(p.coefs.shape)
        result.append(Plane(coefs, p.table, p.columns, p.rows, p.horizontal, p.vertical))
        at += p.coefs.size
    return tuple(result)
