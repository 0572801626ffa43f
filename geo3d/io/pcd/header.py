"""The header of a PCD file (Point Cloud Library, version 0.7 and its forerunners)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from geo3d.errors import FormatError

TYPES: dict[tuple[str, int], str] = {
    ("I", 1): "i1", ("I", 2): "i2", ("I", 4): "i4", ("I", 8): "i8",
    ("U", 1): "u1", ("U", 2): "u2", ("U", 4): "u4", ("U", 8): "u8",
    ("F", 4): "f4", ("F", 8): "f8",
}  # fmt: skip
ENCODINGS = ("ascii", "binary", "binary_compressed")
_MAX_HEADER = 1 << 16
_MAX_FIELDS = 4096
_MAX_COUNT = 1 << 16


@dataclass(frozen=True)
class Field:
    """One named field: `count` values of `dtype` at each point."""

    name: str
    dtype: np.dtype[Any]
    count: int

    @property
    def size(self) -> int:
        return self.dtype.itemsize * self.count


@dataclass(frozen=True)
class Header:
    """What the text part says; `body` is the offset of the first byte after it."""

    fields: tuple[Field, ...]
    points: int
    width: int
    height: int
    viewpoint: tuple[float, ...]
    encoding: str
    body: int

    @property
    def row_size(self) -> int:
        return sum(f.size for f in self.fields)


def parse_header(data: bytes) -> Header:
    """Read the header at the start of `data`; `FormatError` says which line is missing or wrong."""
    entries: dict[str, list[str]] = {}
    start = 0
    while "DATA" not in entries:
        stop = data.find(b"\n", start, _MAX_HEADER)
        if stop < 0:
            raise FormatError("not a PCD file: its header has no DATA line")
        words = data[start:stop].decode("latin-1").split("#")[0].split()
        start = stop + 1
        if words:
            key = "FIELDS" if words[0] == "COLUMNS" else words[0]
            if not key.isalpha() or not key.isupper() or key in entries:
                raise FormatError(f"not a PCD file, or a damaged header: line '{' '.join(words)[:60]}'")
            entries[key] = words[1:]
    for key in ("FIELDS", "SIZE", "TYPE"):
        if not entries.get(key):
            raise FormatError(f"the PCD header has no {key} line")
    fields = _fields(entries)
    width, height = (_whole(entries, k, 1) for k in ("WIDTH", "HEIGHT"))
    if "POINTS" not in entries and "WIDTH" not in entries:
        raise FormatError("the PCD header has neither POINTS nor WIDTH")
    points = _whole(entries, "POINTS", width * height)
    if "WIDTH" in entries and points != width * height:
        raise FormatError(f"the PCD header says {points} points, but {width} x {height}")
    encoding = " ".join(entries["DATA"]).lower()
    if encoding not in ENCODINGS:
        raise FormatError(f"unknown PCD data '{encoding[:40]}' (known: {', '.join(ENCODINGS)})")
    return Header(fields, points, width, height, _viewpoint(entries), encoding, start)


def _fields(entries: dict[str, list[str]]) -> tuple[Field, ...]:
    names = entries["FIELDS"]
    columns = [entries["SIZE"], entries["TYPE"], entries.get("COUNT", ["1"] * len(names))]
    if any(len(c) != len(names) for c in columns) or len(names) > _MAX_FIELDS:
        raise FormatError("FIELDS, SIZE, TYPE and COUNT of the PCD header do not agree in number")
    fields = []
    for name, size, kind, count in zip(names, *columns, strict=True):
        key = (kind.upper(), int(size) if size.isdecimal() and len(size) < 4 else 0)
        if key not in TYPES:
            raise FormatError(f"PCD field '{name}' has the unknown type {kind}{size}")
        if not count.isdecimal() or len(count) > 9 or int(count) > _MAX_COUNT:
            raise FormatError(f"PCD field '{name}' has the impossible count '{count[:20]}'")
        fields.append(Field(name, np.dtype(TYPES[key]), int(count)))
    named = [f.name for f in fields if f.name != "_"]
    if len(set(named)) != len(named):
        raise FormatError("two PCD fields have the same name")
    return tuple(fields)


def _whole(entries: dict[str, list[str]], key: str, default: int) -> int:
    words = entries.get(key)
    if words is None:
        return default
    if len(words) != 1 or not words[0].isdecimal() or len(words[0]) > 18:
        raise FormatError(f"{key} of the PCD header is no number: '{' '.join(words)[:40]}'")
    return int(words[0])


def _viewpoint(entries: dict[str, list[str]]) -> tuple[float, ...]:
    words = entries.get("VIEWPOINT", ["0", "0", "0", "1", "0", "0", "0"])
    try:
        values = tuple(float(w) for w in words)
    except ValueError:
        values = ()
    if len(values) != 7 or not np.isfinite(values).all():
        raise FormatError("VIEWPOINT of the PCD header must be 7 numbers: tx ty tz qw qx qy qz")
    return values
