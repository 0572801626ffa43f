"""The rows of a PLY file: every element as columns, sizes checked against the bytes that are there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError
from geo3d.io.ply.header import BYTE_ORDERS, Element, Header
from geo3d.io.text import cast_exactly, parse_numbers


@dataclass(frozen=True)
class ListColumn:
    """A list property: the lists of all rows behind each other in `values`, row i having `lengths[i]` of them."""

    lengths: NDArray[np.int64]
    values: NDArray[Any]


# NumPy's row types hold less than 2 GiB.
_LONGEST_ROW = 1 << 24

Columns = dict[str, NDArray[Any] | ListColumn]


def read_elements(data: bytes, header: Header, wanted: tuple[str, ...]) -> dict[str, Columns]:
    """Return the columns of the wanted elements (and stop after the last of them).

    Raises `FormatError` if the file ends early; no memory is taken before the size has been checked.
    """
    last = max((i for i, e in enumerate(header.elements) if e.name in wanted), default=-1)
    elements = header.elements[: last + 1]
    cursor: _Ascii | _Binary
    if header.encoding == "ascii":
        cursor = _Ascii(data[header.body :], elements)
    else:
        cursor = _Binary(data, header.body, BYTE_ORDERS[header.encoding])
    result = {}
    for element in elements:
        columns = cursor.read(element)
        if element.name in wanted:
            result[element.name] = columns
    return result


class _Binary:
    def __init__(self, data: bytes, start: int, order: Literal["=", "<", ">"]) -> None:
        self.data, self.start, self.order = data, start, order

    def read(self, element: Element) -> Columns:
        least = sum((p.count or p.dtype).itemsize for p in element.properties)
        _check_room(element, least, len(self.data) - self.start, "bytes")
        if not element.properties or not element.size:
            return _no_rows(element)
        lengths = self._first_lengths(element)
        columns = self._read_uniform(element, lengths)
        return self._read_rows(element) if columns is None else columns

    def _first_lengths(self, element: Element) -> list[int]:
        """The list lengths of the first row: nearly always those of all rows."""
        lengths, at = [], self.start
        for p in element.properties:
            if p.count is None:
                at += p.dtype.itemsize
            else:
                n = self._length(element, p.count, at)
                lengths.append(n)
                at += p.count.itemsize + n * p.dtype.itemsize
        if at > len(self.data):
            raise FormatError(f"the file ends inside the PLY element '{element.name}'")
        return lengths

    def _length(self, element: Element, dtype: np.dtype[Any], at: int) -> int:
        if at + dtype.itemsize > len(self.data):
            raise FormatError(f"the file ends inside the PLY element '{element.name}'")
        n = int(np.frombuffer(self.data, dtype.newbyteorder(self.order), 1, at)[0])
        if n < 0 or n > len(self.data):
            raise FormatError(f"a list in PLY element '{element.name}' has the impossible length {n}")
        return n

    def _read_uniform(self, element: Element, lengths: list[int]) -> Columns | None:
        """Read all rows at once if each has the list lengths of the first row; None if not."""
        if sum(lengths) > _LONGEST_ROW:
            return None
        fields: list[tuple[Any, ...]] = []
        remaining = iter(lengths)
        for i, p in enumerate(element.properties):
            if p.count is not None:
                fields.append((f"n{i}", p.count.newbyteorder(self.order)))
                fields.append((f"p{i}", p.dtype.newbyteorder(self.order), (next(remaining),)))
            else:
                fields.append((f"p{i}", p.dtype.newbyteorder(self.order)))
        row = np.dtype(fields)
        if element.size * row.itemsize > len(self.data) - self.start:
            if not lengths:
                raise _ends_early(element, len(self.data) - self.start, "bytes")
            return None
        table = np.frombuffer(self.data, row, element.size, self.start)
        columns: Columns = {}
        for i, p in enumerate(element.properties):
            values = table[f"p{i}"]
            if p.count is None:
                columns[p.name] = values.astype(p.dtype)
                continue
            counts = table[f"n{i}"]
            if (counts != values.shape[1]).any():
                return None
            columns[p.name] = ListColumn(counts.astype(np.int64), values.astype(p.dtype).reshape(-1))
        self.start += element.size * row.itemsize
        return columns

    def _read_rows(self, element: Element) -> Columns:
        """Walk row by row: lists differ in length."""
        starts: list[list[int]] = [[] for _ in element.properties]
        counts: list[list[int]] = [[] for _ in element.properties]
        at = self.start
        for _ in range(element.size):
            for i, p in enumerate(element.properties):
                n = 1
                if p.count is not None:
                    n = self._length(element, p.count, at)
                    at += p.count.itemsize
                starts[i].append(at)
                counts[i].append(n)
                at += n * p.dtype.itemsize
            if at > len(self.data):
                raise FormatError(f"the file ends inside the PLY element '{element.name}'")
        columns: Columns = {}
        raw = np.frombuffer(self.data, np.uint8)
        for i, p in enumerate(element.properties):
            lengths = np.array(counts[i], np.int64)
            picked = _gather(raw, np.array(starts[i], np.int64), lengths * p.dtype.itemsize)
            values = picked.view(p.dtype.newbyteorder(self.order)).astype(p.dtype)
            columns[p.name] = values if p.count is None else ListColumn(lengths, values)
        self.start = at
        return columns


class _Ascii:
    def __init__(self, text: bytes, elements: tuple[Element, ...]) -> None:
        # A number and its separator take two bytes at least.
        for element in elements:
            _check_room(element, 2 * len(element.properties) - 1, len(text), "bytes of text")
        self.numbers = parse_numbers(text)
        self.start = 0

    def read(self, element: Element) -> Columns:
        available = len(self.numbers) - self.start
        _check_room(element, len(element.properties), available, "numbers")
        if not element.properties or not element.size:
            return _no_rows(element)
        if all(p.count is None for p in element.properties):
            width = len(element.properties)
            table = self.numbers[self.start : self.start + element.size * width].reshape(element.size, width)
            self.start += element.size * width
            return {p.name: cast_exactly(table[:, i], p.dtype, p.name) for i, p in enumerate(element.properties)}
        return self._read_rows(element)

    def _read_rows(self, element: Element) -> Columns:
        starts: list[list[int]] = [[] for _ in element.properties]
        counts: list[list[int]] = [[] for _ in element.properties]
        at, end = self.start, len(self.numbers)
        for _ in range(element.size):
            for i, p in enumerate(element.properties):
                n = 1
                if p.count is not None:
                    length = self.numbers[at] if at < end else 0.0
                    if not 0 <= length <= end or length != int(length):
                        raise FormatError(
                            f"a list in PLY element '{element.name}' has the impossible length {length:g}"
                        )
                    n = int(length)
                    at += 1
                starts[i].append(at)
                counts[i].append(n)
                at += n
            if at > end:
                raise FormatError(f"the file ends inside the PLY element '{element.name}'")
        columns: Columns = {}
        for i, p in enumerate(element.properties):
            lengths = np.array(counts[i], np.int64)
            values = cast_exactly(_gather(self.numbers, np.array(starts[i], np.int64), lengths), p.dtype, p.name)
            columns[p.name] = values if p.count is None else ListColumn(lengths, values)
        self.start = at
        return columns


def _gather(source: NDArray[Any], starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[Any]:
    """Join source[s : s + n] of all (s, n)."""
    ends = np.cumsum(lengths)
    index = np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - (ends - lengths), lengths)
    return source[index]


def _no_rows(element: Element) -> Columns:
    empty = np.zeros(0, np.int64)
    return {
        p.name: np.zeros(0, p.dtype) if p.count is None else ListColumn(empty, np.zeros(0, p.dtype))
        for p in element.properties
    }


def _check_room(element: Element, least: int, available: int, unit: str) -> None:
    if element.properties and element.size * least > max(available, 0) + (unit != "numbers"):
        raise _ends_early(element, available, unit)


def _ends_early(element: Element, available: int, unit: str) -> FormatError:
    return FormatError(
        f"the PLY header promises {element.size} '{element.name}' rows, but only {max(available, 0)} {unit} are there"
    )
