"""Numeric arrays of any shape, exactly: poses, time stamps, tables.  Byte planes, deflated."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import BitstreamError, FormatError, ShapeError
from geo3d.io.atomic import atomic_path
from geo3d.io.files import existing_file, read_bytes
from geo3d.io.points.npy import parse_npy
from geo3d_compression.attributes.integers import DTYPES
from geo3d_compression.codecs.codec import Outcome, Request, Unit, View
from geo3d_compression.codecs.file import inflate
from geo3d_compression.container import ChunkType, Container, ContainerWriter, Item
from geo3d_compression.container.fields import Choice, Cursor, UInt, pack, unpack

_MAX_BYTES = 1 << 32
_FIELDS = (Choice("dtype", DTYPES), UInt("dimensions", 8))
_SIDE = UInt("side", 1 << 40)


class ArrayCodec:
    """`.npy` arrays that are no clouds."""

    number = 3
    kind = "array"
    unit: Unit = "values"
    suffixes: tuple[str, ...] = (".npy",)

    def compress(self, source: Path, writer: ContainerWriter, name: str, request: Request) -> Outcome:
        if source.suffix.lower() != ".npy":
            raise FormatError(f"{source}: arrays are read from .npy files")
        array = parse_npy(read_bytes(existing_file(source)), str(source))
        add_array(writer, name, array)
        return Outcome(array.size)

    def decompress(self, container: Container, item: int, target: Path, view: View) -> Outcome:
        if target.suffix.lower() != ".npy":
            raise FormatError(f"{target}: an array is written as .npy")
        array = read_array(container, item)
        with atomic_path(target) as temporary, temporary.open("wb") as file:
            np.save(file, array, allow_pickle=False)
        return Outcome(array.size)

    def describe(self, container: Container, item: int) -> dict[str, Any]:
        dtype, shape = _header(container, item)
        return {"values": math.prod(shape), "dtype": dtype.name, "shape": list(shape)}


def add_array(writer: ContainerWriter, name: str, array: NDArray[Any]) -> None:
    """Add a numeric array as an item."""
    import zlib

    if array.dtype.name not in DTYPES or array.nbytes > _MAX_BYTES or array.ndim > 8:
        raise ShapeError(f"an array item is numeric and at most 4 GiB, got {array.dtype} {list(array.shape)}")
    item = writer.add_item(Item(name, ArrayCodec.kind, ArrayCodec.number))
    head = bytearray(pack(_FIELDS, {"dtype": array.dtype.name, "dimensions": array.ndim}))
    for side in array.shape:
        _SIDE.put(head, side)
    writer.add_chunk(item, ChunkType.HEADER, bytes(head), critical=True)
    raw = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
    planes = np.frombuffer(raw.tobytes(), np.uint8).reshape(-1, array.dtype.itemsize).T
    writer.add_chunk(item, ChunkType.DATA, zlib.compress(planes.tobytes(), 9))


def read_array(container: Container, item: int) -> NDArray[Any]:
    """The array of an item, bit for bit."""
    dtype, shape = _header(container, item)
    size = math.prod(shape) * dtype.itemsize
    data = container.need(item, ChunkType.DATA)
    # Deflate packs at most 1032 to 1.
    if size > _MAX_BYTES or size > len(data) * 1040 + 64:
        raise BitstreamError(f"an array of {size} bytes cannot come from {len(data)} bytes")
    planes = inflate(data, max(size, 1))
    if len(planes) != size:
        raise BitstreamError(f"an array has {len(planes)} bytes instead of {size}")
    values = np.frombuffer(planes, np.uint8).reshape(dtype.itemsize, -1).T.tobytes()
    return np.frombuffer(values, dtype.newbyteorder("<")).astype(dtype).reshape(shape)


def _header(container: Container, item: int) -> tuple[np.dtype[Any], tuple[int, ...]]:
    cursor = Cursor(container.need(item, ChunkType.HEADER), "array header")
    values = unpack(_FIELDS, cursor)
    shape = tuple(_SIDE.get(cursor) for _ in range(values["dimensions"]))
    cursor.finish()
    return np.dtype(values["dtype"]), shape
