"""The header of a PLY file (Turk 1994), and the types it may declare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from geo3d.errors import FormatError

# int64 and uint64 are no part of the standard, but some writers use them.
TYPES: dict[str, str] = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1",
    "short": "i2", "int16": "i2", "ushort": "u2", "uint16": "u2",
    "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4",
    "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
    "int64": "i8", "uint64": "u8",
}  # fmt: skip
BYTE_ORDERS: dict[str, Literal["=", "<", ">"]] = {"ascii": "=", "binary_little_endian": "<", "binary_big_endian": ">"}

LARGEST_HEADER = 1 << 20
_MAX_PROPERTIES = 4096


@dataclass(frozen=True)
class Property:
    """One property of an element; `count` is the type of a list's length, None for a scalar."""

    name: str
    dtype: np.dtype[Any]
    count: np.dtype[Any] | None = None


@dataclass(frozen=True)
class Element:
    """`size` rows of the same properties."""

    name: str
    size: int
    properties: tuple[Property, ...]


@dataclass(frozen=True)
class Header:
    """What the text part says.  `body` is the offset of the first byte after it."""

    encoding: str
    elements: tuple[Element, ...]
    comments: tuple[str, ...]
    body: int

    def element(self, name: str) -> Element | None:
        return next((e for e in self.elements if e.name == name), None)


def parse_header(data: bytes) -> Header:
    """Read the header at the start of `data`; `FormatError` names the line that is wrong."""
    if data[:3] != b"ply" or data[3:4] not in (b"\n", b"\r", b" ", b"\t"):
        raise FormatError("not a PLY file: it does not begin with the line 'ply'")
    encoding = ""
    comments: list[str] = []
    elements: list[tuple[str, int, list[Property]]] = []
    for line, end in _lines(data):
        words = line.split()
        match words:
            case [] | ["ply"]:
                continue
            case ["end_header"]:
                if not encoding:
                    raise FormatError("the PLY header has no 'format' line")
                return Header(encoding, tuple(Element(n, s, tuple(p)) for n, s, p in elements), tuple(comments), end)
            case ["format", kind, *_]:
                if kind not in BYTE_ORDERS:
                    raise FormatError(f"unknown PLY format '{kind}' (known: {', '.join(BYTE_ORDERS)})")
                encoding = kind
            case ["comment" | "obj_info", *_]:
                comments.append(line.split(maxsplit=1)[1] if len(words) > 1 else "")
            case ["element", name, size]:
                if any(name == known for known, _, _ in elements):
                    raise FormatError(f"the PLY header declares element '{name}' twice")
                if not size.isdecimal() or len(size) > 18:
                    raise FormatError(f"PLY element '{name}' has an impossible size '{size[:40]}'")
                elements.append((name, int(size), []))
            case ["property", *rest]:
                if not elements:
                    raise FormatError("a PLY property stands before any element")
                if sum(len(p) for _, _, p in elements) >= _MAX_PROPERTIES:
                    raise FormatError(f"the PLY header declares more than {_MAX_PROPERTIES} properties")
                elements[-1][2].append(_property(rest, {p.name for p in elements[-1][2]}))
            case _:
                raise FormatError(f"PLY header line not understood: '{line[:80]}'")
    raise FormatError("the PLY header does not end (no 'end_header')")


def _property(words: list[str], taken: set[str]) -> Property:
    match words:
        case ["list", count, kind, name] if count in TYPES and kind in TYPES:
            if TYPES[count][0] == "f":
                raise FormatError(f"PLY list '{name}' has a length of type {count}; it must be an integer type")
            prop = Property(name, np.dtype(TYPES[kind]), np.dtype(TYPES[count]))
        case [kind, name] if kind in TYPES:
            prop = Property(name, np.dtype(TYPES[kind]))
        case _:
            raise FormatError(f"PLY property not understood: '{' '.join(words)[:80]}' (types: {', '.join(TYPES)})")
    if prop.name in taken:
        raise FormatError(f"the PLY header declares property '{prop.name}' twice in one element")
    return prop


def _lines(data: bytes) -> Any:
    """Yield (line, offset after it); lines end in LF, CR LF or CR, as the first one does."""
    first = next((i for i in range(3, min(len(data), 1024)) if data[i] in b"\r\n"), -1)
    if first < 0:
        return
    ending = b"\r\n" if data[first : first + 2] == b"\r\n" else data[first : first + 1]
    start = 0
    while start < min(len(data), LARGEST_HEADER):
        stop = data.find(ending, start, LARGEST_HEADER)
        if stop < 0:
            return
        # Latin-1 reads any byte; comments in the wild are not always UTF-8.
        yield data[start:stop].decode("latin-1").strip(), stop + len(ending)
        start = stop + len(ending)
