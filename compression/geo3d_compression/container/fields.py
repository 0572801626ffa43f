"""Declared header fields: every number in a `.g3c` header has a name and a range, checked when written and when read.

Integers are LEB128 varints (7 bits a byte, least significant first, at most 10 bytes), signed ones zigzag-coded
before; floats are IEEE doubles, highest byte first, without the zero bytes at their end and with their length in
front (0.0 takes one byte, 1.0 three); texts and byte strings carry their length first.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from geo3d.errors import BitstreamError


class Cursor:
    """Reads forward through bytes and refuses to run past their end."""

    def __init__(self, data: bytes | memoryview, what: str = "header") -> None:
        self._data = memoryview(data)
        self._what = what
        self.position = 0

    @property
    def left(self) -> int:
        """Bytes not read yet."""
        return len(self._data) - self.position

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        if count > self.left:
            raise BitstreamError(f"{self._what} is truncated: expected {count} more bytes, got {self.left}")
        start = self.position
        self.position += count
        return bytes(self._data[start : self.position])

    def varint(self) -> int:
        """The next LEB128 number, below 2^70."""
        value = 0
        for shift in range(0, 70, 7):
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise BitstreamError(f"{self._what} holds a number of more than 10 bytes")

    def finish(self) -> None:
        """Refuse bytes that nothing has read."""
        if self.left:
            raise BitstreamError(f"{self._what} has {self.left} unexpected bytes at its end")


def put_varint(out: bytearray, value: int) -> None:
    """Append `value` (>= 0) as LEB128."""
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)


class Field(Protocol):
    """One declared header value."""

    @property
    def name(self) -> str: ...

    def put(self, out: bytearray, value: Any) -> None: ...

    def get(self, cursor: Cursor) -> Any: ...


def _check(name: str, value: int, low: int, high: int, error: type[Exception]) -> int:
    if not low <= value <= high:
        raise error(f"header field '{name}' is {value}, allowed are {low} to {high}")
    return value


@dataclass(frozen=True)
class UInt:
    """An integer from `low` to `high`, both at least 0."""

    name: str
    high: int
    low: int = 0

    def put(self, out: bytearray, value: Any) -> None:
        put_varint(out, _check(self.name, int(value), self.low, self.high, ValueError))

    def get(self, cursor: Cursor) -> int:
        return _check(self.name, cursor.varint(), self.low, self.high, BitstreamError)


@dataclass(frozen=True)
class SInt:
    """An integer of at most `high` in magnitude."""

    name: str
    high: int

    def put(self, out: bytearray, value: Any) -> None:
        v = _check(self.name, int(value), -self.high, self.high, ValueError)
        put_varint(out, 2 * v if v >= 0 else -2 * v - 1)

    def get(self, cursor: Cursor) -> int:
        u = cursor.varint()
        return _check(self.name, -(u + 1 >> 1) if u & 1 else u >> 1, -self.high, self.high, BitstreamError)


@dataclass(frozen=True)
class Float:
    """A finite double from `low` to `high`."""

    name: str
    low: float = -1e300
    high: float = 1e300

    def put(self, out: bytearray, value: Any) -> None:
        self._check(float(value), ValueError)
        data = struct.pack(">d", value).rstrip(b"\0")
        out.append(len(data))
        out += data

    def get(self, cursor: Cursor) -> float:
        length = cursor.take(1)[0]
        if length > 8:
            raise BitstreamError(f"header field '{self.name}' has {length} bytes, a double has 8")
        return self._check(struct.unpack(">d", cursor.take(length).ljust(8, b"\0"))[0], BitstreamError)

    def _check(self, value: float, error: type[Exception]) -> float:
        if not (math.isfinite(value) and self.low <= value <= self.high):
            raise error(f"header field '{self.name}' is {value}, allowed are {self.low:g} to {self.high:g}")
        return value


@dataclass(frozen=True)
class Blob:
    """At most `high` bytes."""

    name: str
    high: int

    def put(self, out: bytearray, value: Any) -> None:
        put_varint(out, _check(f"length of {self.name}", len(value), 0, self.high, ValueError))
        out += value

    def get(self, cursor: Cursor) -> bytes:
        return cursor.take(_check(f"length of {self.name}", cursor.varint(), 0, self.high, BitstreamError))


@dataclass(frozen=True)
class Text:
    """UTF-8 text of at most `high` bytes without control characters."""

    name: str
    high: int

    def put(self, out: bytearray, value: Any) -> None:
        Blob(self.name, self.high).put(out, value.encode())

    def get(self, cursor: Cursor) -> str:
        try:
            value = Blob(self.name, self.high).get(cursor).decode()
        except UnicodeDecodeError as error:
            raise BitstreamError(f"header field '{self.name}' is not UTF-8") from error
        if any(ord(c) < 32 for c in value):
            raise BitstreamError(f"header field '{self.name}' holds control characters")
        return value


@dataclass(frozen=True)
class Choice:
    """One of `names`, stored as its index: the order of the names is part of the format."""

    name: str
    names: tuple[str, ...]

    def put(self, out: bytearray, value: Any) -> None:
        if value not in self.names:
            raise ValueError(f"header field '{self.name}' is '{value}', allowed are {', '.join(self.names)}")
        put_varint(out, self.names.index(value))

    def get(self, cursor: Cursor) -> str:
        index = cursor.varint()
        if index >= len(self.names):
            raise BitstreamError(
                f"header field '{self.name}' names choice {index}, known are 0 to {len(self.names) - 1} "
                f"({', '.join(self.names)}); a newer version may have written this file"
            )
        return self.names[index]


def pack(layout: Sequence[Field], values: Mapping[str, Any]) -> bytes:
    """The bytes of `values`, one for each field of `layout`, in its order."""
    out = bytearray()
    for field in layout:
        field.put(out, values[field.name])
    return bytes(out)


def unpack(layout: Sequence[Field], cursor: Cursor) -> dict[str, Any]:
    """Read what `pack` wrote."""
    return {field.name: field.get(cursor) for field in layout}
