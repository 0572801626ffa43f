"""Numbers in text files, read at C speed and checked."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError

# What Microsoft's C libraries print for NaN: 1.#QNAN, -1.#IND, nan(ind), -nan(snan).
_WINDOWS_NAN = re.compile(rb"[-+]?(?:1\.#(?:QNAN|SNAN|IND)\d*|nan\(\w*\))", re.IGNORECASE)


def parse_numbers(text: bytes) -> NDArray[np.float64]:
    """[T] all numbers of a text, separated by any white space; `nan` and `inf` are numbers (in Windows' spellings too).

    Raises `FormatError` at the first thing that is no number.
    """
    if not text.strip():
        return np.zeros(0)
    if b"\0" in text:
        raise FormatError("zero bytes where text is expected (a binary file?)")
    numbers = _parse(text)
    if numbers is None:
        numbers = _parse(plain_nan(text))
    if numbers is None:
        raise FormatError(f"not a number: {_first_bad_token(text)}")
    return numbers


def plain_nan(text: bytes) -> bytes:
    """Return the text with Windows' spellings of NaN replaced by `nan`."""
    return _WINDOWS_NAN.sub(b" nan", text)


def _parse(text: bytes) -> NDArray[np.float64] | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)
            return np.fromstring(text, dtype=np.float64, sep=" ")
    except (ValueError, DeprecationWarning):
        return None


def _first_bad_token(text: bytes) -> str:
    for number, line in enumerate(text.splitlines(), start=1):
        for token in line.split():
            try:
                float(token)
            except ValueError:
                return f"'{token[:40].decode('ascii', 'replace')}' (line {number} of the data)"
    return "an unreadable token"


def cast_exactly(values: NDArray[Any], dtype: np.dtype[Any], name: str) -> NDArray[Any]:
    """Return `values` as `dtype`; for integer types raise `FormatError` if one is not whole or does not fit."""
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return values.astype(dtype)
    info = np.iinfo(dtype)
    if len(values) and not (np.isfinite(values).all() and (values == np.floor(values)).all()):
        raise FormatError(f"'{name}' is declared {dtype} but holds values that are not whole numbers")
    if len(values) and (values.min() < info.min or values.max() > info.max):
        raise FormatError(f"'{name}' is declared {dtype} but holds {values.min():g} to {values.max():g}")
    if dtype.itemsize == 8 and len(values) and np.abs(values).max() >= 2**53:
        raise FormatError(f"'{name}' holds integers beyond 2^53, which this text reader would round; use a binary file")
    return values.astype(dtype)


def single(values: NDArray[Any]) -> NDArray[np.float32]:
    """Return float32; what is too large becomes infinite, quietly."""
    with np.errstate(over="ignore", invalid="ignore"):
        return values.astype(np.float32)


def format_columns(columns: list[NDArray[Any]], separator: str = " ", chunk: int = 65536) -> bytes:
    """Return rows of text, one line a row, each number in the shortest form that reads back to the same value."""
    parts: list[bytes] = []
    for start in range(0, len(columns[0]) if columns else 0, chunk):
        texts = []
        for column in columns:
            part = column[start : start + chunk]
            if part.dtype.kind == "f" and part.dtype.itemsize == 8:
                texts.append(list(map(repr, part.tolist())))
            elif part.dtype.kind in "fU":
                texts.append(part.astype(str).tolist())
            else:
                texts.append(list(map(str, part.astype(np.int64 if part.dtype != np.uint64 else np.uint64).tolist())))
        parts.append(("\n".join(map(separator.join, zip(*texts, strict=True))) + "\n").encode())
    return b"".join(parts)
