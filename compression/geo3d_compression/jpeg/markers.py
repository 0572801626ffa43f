"""The marker structure of a JPEG file (ITU-T T.81, annex B): tables, frame header and scans.

`read_markers` walks a whole file or a *skeleton*, which is the file without its entropy-coded segments; the skeleton
together with the coefficients and a few notes (see `file`) is the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from geo3d.errors import FormatError

SOI, EOI, SOS, DQT, DHT, DRI, DNL = 0xD8, 0xD9, 0xDA, 0xDB, 0xC4, 0xDD, 0xDC
SOF_BASELINE, SOF_EXTENDED, SOF_PROGRESSIVE = 0xC0, 0xC1, 0xC2
_OTHER_FRAMES = (0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)
_MAX_SCANS = 1000
MAX_PIXELS = 1 << 29


@dataclass(frozen=True)
class Component:
    """One colour plane: its identifier, sampling factors and quantisation table number."""

    identifier: int
    horizontal: int
    vertical: int
    table: int


@dataclass(frozen=True)
class HuffmanTable:
    """Code counts for lengths 1 to 16, and the symbols in code order."""

    counts: bytes
    symbols: bytes


@dataclass(frozen=True)
class Scan:
    """One scan header with everything that was in force when it came.

    components     indices into the frame's components, in scan order
    dc, ac         Huffman tables of each component (None where the file defined none)
    first, last    band of coefficients in zigzag order; high, low: successive approximation
    restart        MCUs between restart markers, 0 = none
    start          offset of the first entropy-coded byte
    """

    components: tuple[int, ...]
    dc: tuple[HuffmanTable | None, ...]
    ac: tuple[HuffmanTable | None, ...]
    first: int
    last: int
    high: int
    low: int
    restart: int
    start: int


@dataclass
class Markers:
    """What the markers of a file say.  `end` is the offset behind EOI (or the end of the data)."""

    width: int = 0
    height: int = 0
    progressive: bool = False
    components: tuple[Component, ...] = ()
    quantisation: dict[int, tuple[int, ...]] = field(default_factory=dict)
    scans: list[Scan] = field(default_factory=list)
    end: int = 0


def read_markers(data: bytes, *, skeleton: bool) -> Markers:
    """Parse the markers of a file, or of its skeleton.

    Raises `FormatError` for what this codec does not rebuild: lossless, hierarchical, arithmetic-coded or 12-bit
    frames, a height that comes later, and damaged structure.
    """
    if data[:2] != b"\xff\xd8":
        raise FormatError(f"not a JPEG file (its first bytes are {data[:4]!r})")
    markers = Markers()
    tables: dict[int, HuffmanTable] = {}
    restart = 0
    at = 2
    while at + 2 <= len(data):
        if data[at] != 0xFF:
            raise FormatError(f"JPEG marker expected at byte {at}, got 0x{data[at]:02x}")
        kind = data[at + 1]
        if kind == 0xFF:
            at += 1
            continue
        if kind == EOI:
            at += 2
            break
        if kind == 0x01 or 0xD0 <= kind <= 0xD8:
            raise FormatError(f"JPEG marker 0x{kind:02x} at byte {at} is out of place")
        if at + 4 > len(data):
            raise FormatError(f"JPEG is truncated in the marker at byte {at}")
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + length]
        if length < 2 or len(body) != length - 2:
            raise FormatError(f"JPEG is truncated in the marker at byte {at}")
        at += 2 + length
        if kind in _OTHER_FRAMES or kind == DNL:
            raise FormatError(f"JPEG frame type 0x{kind:02x} (lossless, hierarchical or arithmetic) is not rebuilt")
        if kind in (SOF_BASELINE, SOF_EXTENDED, SOF_PROGRESSIVE):
            _read_frame(markers, kind, body)
        elif kind == DQT:
            _read_quantisation(markers, body)
        elif kind == DHT:
            _read_huffman(tables, body)
        elif kind == DRI:
            if len(body) != 2:
                raise FormatError("JPEG restart interval has a wrong length")
            restart = int.from_bytes(body, "big")
        elif kind == SOS:
            if len(markers.scans) >= _MAX_SCANS:
                raise FormatError(f"JPEG has more than {_MAX_SCANS} scans")
            markers.scans.append(_read_scan(markers, tables, restart, body, at))
            if not skeleton:
                at = _skip_entropy_coded(data, at)
    markers.end = at
    if not markers.scans:
        raise FormatError("JPEG has no scan")
    return markers


def _skip_entropy_coded(data: bytes, at: int) -> int:
    """Offset of the first marker after `at` that is neither a stuffed byte nor a restart."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            return len(data)
        follower = data[at + 1]
        if follower == 0 or 0xD0 <= follower <= 0xD7:
            at += 2
        else:
            return at


def _read_frame(markers: Markers, kind: int, body: bytes) -> None:
    if markers.components:
        raise FormatError("JPEG has two frame headers")
    if len(body) < 6 or len(body) != 6 + 3 * body[5]:
        raise FormatError("JPEG frame header has a wrong length")
    precision, height, width, count = (
        body[0], int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big"), body[5],
    )  # fmt: skip
    if precision != 8:
        raise FormatError(f"JPEG has {precision} bits a sample; 8 are rebuilt")
    if not (width and height and 1 <= count <= 4 and width * height <= MAX_PIXELS):
        raise FormatError(f"JPEG frame of {width}x{height} with {count} components is not rebuilt")
    parts = [body[6 + 3 * i : 9 + 3 * i] for i in range(count)]
    components = tuple(Component(p[0], p[1] >> 4, p[1] & 15, p[2]) for p in parts)
    for c in components:
        if not (1 <= c.horizontal <= 4 and 1 <= c.vertical <= 4 and c.table <= 3):
            raise FormatError(f"JPEG component {c.identifier} has impossible sampling or table numbers")
    if len({c.identifier for c in components}) != count:
        raise FormatError("JPEG has two components of the same name")
    markers.width, markers.height, markers.components = width, height, components
    markers.progressive = kind == SOF_PROGRESSIVE


def _read_quantisation(markers: Markers, body: bytes) -> None:
    while body:
        size = 2 if body[0] >> 4 else 1
        values = body[1 : 1 + 64 * size]
        if body[0] >> 4 > 1 or body[0] & 15 > 3 or len(values) != 64 * size:
            raise FormatError("JPEG quantisation table is damaged")
        table = tuple(int.from_bytes(values[i * size : (i + 1) * size], "big") for i in range(64))
        if 0 in table:
            raise FormatError("JPEG quantisation table holds a zero")
        markers.quantisation.setdefault(body[0] & 15, table)
        body = body[1 + 64 * size :]


def _read_huffman(tables: dict[int, HuffmanTable], body: bytes) -> None:
    while body:
        counts = body[1:17]
        total = sum(counts)
        symbols = body[17 : 17 + total]
        if body[0] >> 4 > 1 or body[0] & 15 > 3 or len(counts) != 16 or total > 256 or len(symbols) != total:
            raise FormatError("JPEG Huffman table is damaged")
        tables[body[0]] = HuffmanTable(counts, symbols)
        body = body[17 + total :]


def _read_scan(markers: Markers, tables: dict[int, HuffmanTable], restart: int, body: bytes, start: int) -> Scan:
    count = body[0] if body else 0
    if not 1 <= count <= 4 or len(body) != 4 + 2 * count:
        raise FormatError("JPEG scan header has a wrong length")
    names = [c.identifier for c in markers.components]
    chosen = [body[1 + 2 * i] for i in range(count)]
    if len(set(chosen)) != count or any(name not in names for name in chosen):
        raise FormatError("JPEG scan names components that the frame does not have")
    selectors = [body[2 + 2 * i] for i in range(count)]
    first, last, high, low = body[-3], body[-2], body[-1] >> 4, body[-1] & 15
    if markers.progressive:
        fine = first <= last <= 63 and low <= 13 and high in (0, low + 1) and (first > 0 or last == 0)
        fine = fine and (first == 0 or count == 1)
    else:
        fine = (first, last, high, low) == (0, 63, 0, 0)
    if not fine:
        raise FormatError(f"JPEG scan of band {first}-{last}, bits {high}-{low} is not rebuilt")
    return Scan(
        tuple(names.index(name) for name in chosen),
        tuple(tables.get(s >> 4) for s in selectors),
        tuple(tables.get(16 | s & 15) for s in selectors),
        first, last, high, low, restart, start,
    )  # fmt: skip
