"""Huffman tables of JPEG as flat arrays for the compiled scan reader and writer (ITU-T T.81, annex C)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError
from geo3d_compression.jpeg.markers import HuffmanTable

# The bits that `decoder` looks at first.
FEW_BITS = 10
FEW = 1 << FEW_BITS


def codes(table: HuffmanTable) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Codes and lengths in table order; raises when the counts describe no prefix code."""
    code = 0
    values: list[int] = []
    lengths: list[int] = []
    for length, count in enumerate(table.counts, 1):
        for _ in range(count):
            values.append(code)
            lengths.append(length)
            code += 1
        if code > 1 << length:
            raise FormatError("JPEG Huffman table has more codes than fit")
        code <<= 1
    return np.array(values, np.int64), np.array(lengths, np.int64)


def encoder(table: HuffmanTable | None) -> NDArray[np.int32]:
    """[256] code << 5 | length for each symbol; 0 where the table has none."""
    result = np.zeros(256, np.int32)
    if table is not None:
        values, lengths = codes(table)
        result[np.frombuffer(table.symbols, np.uint8)] = values << 5 | lengths
    return result


def decoder(table: HuffmanTable | None) -> NDArray[np.int32]:
    """symbol << 5 | length for the next 10 bits [1024], then for the next 16 bits [65536]; 0 where no code matches.

    Nearly all codes are found in the first part, which stays in a processor's first cache.
    """
    result = np.zeros(FEW + (1 << 16), np.int32)
    if table is not None:
        for value, length, symbol in zip(*codes(table), table.symbols, strict=True):
            for first, bits in ((0, FEW_BITS), (FEW, 16)):
                if length <= bits:
                    start = first + (int(value) << (bits - int(length)))
                    result[start : start + (1 << (bits - int(length)))] = symbol << 5 | length
    return result
