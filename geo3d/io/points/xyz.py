"""Numbers in text, a point a line: .xyz, .txt, .asc, .csv and Leica's .pts."""

from __future__ import annotations

import codecs
import logging
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError
from geo3d.io.colors import colors_from
from geo3d.io.files import read_bytes
from geo3d.io.points.columns import cloud_from_columns
from geo3d.io.text import format_columns, parse_numbers, plain_nan, single
from geo3d.types import PointCloud

logger = logging.getLogger("geo3d.io")

_COORDINATES = (("x", "y", "z"), ("easting", "northing", "height"), ("easting", "northing", "elevation"))
_COLORS = (("r", "g", "b"), ("red", "green", "blue"))
_NORMALS = (("nx", "ny", "nz"), ("normal_x", "normal_y", "normal_z"))
# Inside a word these mean something else: 1.#QNAN, http://...
_COMMENT = re.compile(rb"(?:^|(?<=\s))(?:#|//|%)")
_COMMENTS = (b"#", b"//", b"%")


class XyzFormat:
    """Text with any of space, tab, comma or semicolon between the numbers (decimal commas with semicolons).

    A first line of names, plain or as a comment, names the columns; else the rule of `cloud_from_columns` holds.
    Coordinates and attributes are read as float64: text does not say types.  Comments begin with `#`, `//` or `%`.
    """

    name = "text"
    suffixes = (".xyz", ".txt", ".asc", ".csv", ".pts")
    keeps = "every value exactly, but no dtypes"

    def read(self, path: Path) -> PointCloud:
        try:
            names, table = _parse_table(_as_ascii(read_bytes(path)))
            return cloud_from_columns(table) if names is None else _cloud_from_names(names, table)
        except FormatError as error:
            raise FormatError(f"{path}: {error}") from None

    def write(self, path: Path, cloud: PointCloud, *, delimiter: str = "", header: bool | None = None) -> None:
        """Write the shortest text that reads back to the same values.

        delimiter  a comma for .csv, else a space
        header     a line of column names; left to itself: always in .csv, elsewhere (as a comment) if there is more
                   than coordinates
        """
        suffix = path.suffix.lower()
        if suffix == ".pts":
            raise FormatError("PTS is only read; write .xyz or .csv")
        delimiter = delimiter or ("," if suffix == ".csv" else " ")
        if delimiter not in (" ", ",", ";", "\t"):
            raise FormatError(f"the delimiter must be a space, comma, semicolon or tab, got '{delimiter}'")
        columns = _columns(cloud)
        if header or (header is None and (suffix == ".csv" or len(columns) > 3)):
            names = delimiter.join(columns)
            first = (names if suffix == ".csv" else f"# {names}") + "\n"
        else:
            first = ""
        if any(c.dtype.kind != "f" or c.dtype.itemsize != 8 for c in columns.values()):
            logger.info("text holds no types: %s will be read back as float64", ", ".join(columns))
        path.write_bytes(first.encode() + format_columns(list(columns.values()), delimiter))


def _columns(cloud: PointCloud) -> dict[str, NDArray[Any]]:
    columns: dict[str, NDArray[Any]] = dict(zip("xyz", cloud.points.T, strict=True))
    if cloud.colors is not None:
        columns.update(zip(_COLORS[1], cloud.colors.T, strict=True))
    if cloud.normals is not None:
        columns.update(zip(_NORMALS[0], cloud.normals.T, strict=True))
    for name, array in cloud.attributes.items():
        if array.dtype == np.float16:
            array = array.astype(np.float32)
        parts = {name: array} if array.ndim == 1 else {f"{name}_{k}": array[:, k] for k in range(array.shape[1])}
        for part, values in parts.items():
            if part in columns or not re.fullmatch(r"[^\s,;#%/\"']+", part) or _is_number(part.encode()):
                raise FormatError(f"the attribute name '{part}' is taken or cannot stand in a line of names; rename it")
            columns[part] = values
    return columns


def _as_ascii(data: bytes) -> bytes:
    for mark, name in ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if data.startswith(mark):
            try:
                return data.decode(name).removeprefix("\ufeff").encode()
            except UnicodeDecodeError as error:
                raise FormatError(f"begins as {name}, but is not ({error})") from None
    return data


def _parse_table(data: bytes) -> tuple[list[str] | None, NDArray[np.float64]]:
    """Return (column names or None, [N, C] table)."""
    if b"\0" in data[:4096]:
        raise FormatError("zero bytes in what should be text")
    data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b"1.#" in data or b"(" in data:
        data = plain_nan(data)
    names: list[str] | None = None
    # Skip comments, a line of names and a count down to the first line of numbers.
    while True:
        line, _, rest = data.partition(b"\n")
        words = _words(line, _delimiter(line))
        bare = line.strip()
        if not data:
            raise FormatError("there is no line of numbers in it")
        if bare.startswith(_COMMENTS) or (words and not all(_is_number(w.replace(b",", b".")) for w in words)):
            candidate = _names(bare)
            if bare.startswith(_COMMENTS):
                names = candidate if {"x", "y", "z"} <= set(candidate) else names
            elif names is None and len(candidate) >= 3 and not any(map(_is_number, words)):
                names = candidate
            else:
                break
        elif len(words) >= 3:
            break
        elif len(words) > 1 or (words and names is not None):
            raise FormatError(f"a line of {len(words)} numbers; a point has 3 at least")
        data = rest
    table = _parse_rows(data, names)
    if names is not None and len(names) != table.shape[1]:
        logger.warning("%d column names for %d columns: names are not used", len(names), table.shape[1])
        names = None
    return names, table


def _parse_rows(data: bytes, names: list[str] | None) -> NDArray[np.float64]:
    if any(mark in data for mark in _COMMENTS):
        data = b"\n".join(_COMMENT.split(line, maxsplit=1)[0] for line in data.split(b"\n"))
    first = data.lstrip().partition(b"\n")[0]
    delimiter = _delimiter(first)
    if delimiter == b";":
        data = data.replace(b",", b".")
    lines = [line for line in data.split(b"\n") if line.strip()]
    width = len(_words(lines[0], delimiter)) if lines else 0
    if width < 3:
        raise FormatError(f"a line of {width} columns; a point has 3 at least")
    try:
        numbers = parse_numbers(data.translate(bytes.maketrans(b",;", b"  ")))
    except FormatError:
        return _parse_mixed(lines, delimiter, width, names)
    if len(numbers) != width * len(lines):
        return _parse_mixed(lines, delimiter, width, names)
    return numbers.reshape(len(lines), width)


def _parse_mixed(
    lines: list[bytes], delimiter: bytes | None, width: int, names: list[str] | None
) -> NDArray[np.float64]:
    """Read a table in which some columns are words or have gaps; gaps become NaN, columns of words are left out."""
    rows = [_words(line, delimiter) for line in lines]
    bad = next((i for i, row in enumerate(rows) if len(row) != width), None)
    if bad is not None:
        raise FormatError(f"line {bad + 1} of the points has {len(rows[bad])} columns, not {width}")
    columns, kept = [], []
    for k, column in enumerate(zip(*rows, strict=True)):
        wrong = next((i for i, word in enumerate(column) if word.strip() and not _is_number(word)), None)
        if wrong is None:
            columns.append(np.array([float(word) if word.strip() else np.nan for word in column]))
            kept.append(k)
        elif k < 3 and names is None:
            shown = column[wrong][:40].decode("ascii", "replace")
            raise FormatError(f"line {wrong + 1} of the points: '{shown}' is not a number")
    dropped = [names[k] if names and k < len(names) else f"column {k}" for k in range(width) if k not in kept]
    if dropped:
        logger.warning("columns that are not numbers are left out: %s", ", ".join(dropped))
    if names is not None and len(names) == width:
        names[:] = [names[k] for k in kept]
    if len(columns) < 3:
        raise FormatError("fewer than three columns of numbers")
    return np.stack(columns, axis=1)


def _cloud_from_names(names: list[str], table: NDArray[np.float64]) -> PointCloud:
    left = {name: table[:, i] for i, name in enumerate(names)}

    def take(choices: tuple[tuple[str, ...], ...]) -> NDArray[np.float64] | None:
        found = next((c for c in choices if all(n in left for n in c)), None)
        return None if found is None else np.stack([left.pop(n) for n in found], axis=1)

    points = take(_COORDINATES)
    if points is None or len(set(names)) != len(names):
        return cloud_from_columns(table)
    rgb, normals = take(_COLORS), take(_NORMALS)
    colors = None
    if rgb is not None:
        colors, exact = colors_from(rgb)
        if not exact:
            left["color_16" if rgb.max() > 255 else "color_float"] = rgb
    return PointCloud(
        points,
        colors,
        None if normals is None else single(normals),
        {k: np.ascontiguousarray(v) for k, v in left.items()},
    )


def _names(line: bytes) -> list[str]:
    text = line.decode("utf-8", "replace").lstrip("#/% ").strip().lower()
    words = re.split(r"[,;\t]", text) if re.search(r"[,;\t]", text) else text.split()
    # Other formats take such names only as one word.
    return [re.sub(r"[^\w.\-]+", "_", word.strip().strip("\"'")) for word in words]


def _delimiter(line: bytes) -> bytes | None:
    """The delimiter of a line; None is any white space."""
    if b";" in line:
        return b";"
    return b"," if b"," in line else (b"\t" if b"\t" in line.strip() else None)


def _words(line: bytes, delimiter: bytes | None) -> list[bytes]:
    return line.split() if delimiter is None else [w.strip() for w in line.strip(b"\n").split(delimiter)]


def _is_number(word: bytes) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return b"_" not in word
