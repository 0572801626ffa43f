"""The points of a PCD file as columns, sizes checked against the bytes that are there."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError
from geo3d.io.pcd.header import Field, Header
from geo3d.io.text import cast_exactly, parse_numbers

Columns = dict[str, NDArray[Any]]


def read_columns(data: bytes, header: Header) -> Columns:
    """Return the fields by name, [N] or, with a count above one, [N, count]; padding (`_`) is left out."""
    match header.encoding:
        case "ascii":
            columns = _read_ascii(data[header.body :], header)
        case "binary":
            columns = _read_rows(memoryview(data)[header.body :], header)
        case _:
            columns = _read_compressed(data, header)
    return {f.name: c for f, c in zip(header.fields, columns, strict=True) if f.name != "_"}


def _read_ascii(text: bytes, header: Header) -> list[NDArray[Any]]:
    width = sum(f.count for f in header.fields)
    if header.points * (2 * width - 1) > len(text) + 1:
        raise FormatError(f"the header promises {header.points} points, the text has {len(text)} bytes")
    needed = header.points * width
    numbers = parse_numbers(text)
    if len(numbers) < needed:
        raise FormatError(f"the header promises {header.points} points of {width} numbers, {len(numbers)} are there")
    table = numbers[:needed].reshape(header.points, width)
    exact = text.split()[:needed] if any(f.dtype.kind in "iu" and f.dtype.itemsize == 8 for f in header.fields) else []
    columns, at = [], 0
    for f in header.fields:
        part: NDArray[Any] = table[:, at : at + f.count]
        if exact and f.dtype.kind in "iu" and f.dtype.itemsize == 8:
            # 64-bit integers do not fit into the float64 that all other types pass through.
            part = _exact_integers([exact[at + k :: width] for k in range(f.count)], f)
        column = cast_exactly(part, f.dtype, f.name) if part.dtype != f.dtype else part
        if f.name in ("rgb", "rgba") and f.dtype == np.float32 and len(part):
            column = _colors_printed_as_integers(part, column)
        columns.append(column[:, 0] if f.count == 1 else column)
        at += f.count
    return columns


def _exact_integers(tokens: list[list[bytes]], field: Field) -> NDArray[Any]:
    try:
        return np.array([[int(t) for t in column] for column in tokens], dtype=field.dtype).T
    except (ValueError, OverflowError) as error:
        raise FormatError(f"'{field.name}' is declared {field.dtype}: {error}") from None


def _colors_printed_as_integers(numbers: NDArray[np.float64], column: NDArray[Any]) -> NDArray[Any]:
    """Some writers declare a float but print its bits as an integer; as floats such values would be millions."""
    bits = numbers[np.isfinite(numbers)]
    # Packed bytes read as a float are below 2^-100 unless alpha is set, and never whole above 2^16.
    if bits.size and (bits == np.floor(bits)).all() and bits.max() >= 65536 and bits.min() >= 0 and bits.max() < 2**32:
        return np.where(np.isfinite(numbers), numbers, 0).astype(np.uint32).view(np.float32)
    return column


def _read_rows(body: memoryview, header: Header) -> list[NDArray[Any]]:
    size = header.row_size
    if size == 0 or header.points * size > len(body):
        raise FormatError(f"the header promises {header.points} points of {size} bytes, {len(body)} bytes are there")
    raw = np.frombuffer(body, np.uint8, header.points * size).reshape(header.points, size)
    columns, at = [], 0
    for f in header.fields:
        values = np.ascontiguousarray(raw[:, at : at + f.size]).view(f.dtype.newbyteorder("<")).astype(f.dtype)
        columns.append(values[:, 0] if f.count == 1 else values)
        at += f.size
    return columns


def _read_compressed(data: bytes, header: Header) -> list[NDArray[Any]]:
    """Fields stand behind each other, all points of one after all points of the other, in one LZF stream."""
    from geo3d.io.lzf import lzf_decompress

    sizes = np.frombuffer(data[header.body : header.body + 8].ljust(8, b"\0"), "<u4")
    packed_size, size = int(sizes[0]), int(sizes[1])
    packed = data[header.body + 8 : header.body + 8 + packed_size]
    if len(packed) < packed_size:
        raise FormatError(f"the packed points should be {packed_size} bytes, {len(packed)} are there")
    # PCL rounds nothing here, but old versions wrote padding fields too: more is fine, less is not.
    if size < header.points * header.row_size:
        raise FormatError(f"{header.points} points of {header.row_size} bytes do not fit into {size} unpacked bytes")
    body = lzf_decompress(packed, size)
    columns, at = [], 0
    for f in header.fields:
        values = np.frombuffer(body, f.dtype.newbyteorder("<"), header.points * f.count, at).astype(f.dtype)
        columns.append(values if f.count == 1 else values.reshape(header.points, f.count))
        at += header.points * f.size
    return columns
