"""LZF (Lehmann's liblzf), the packing inside `binary_compressed` PCD files.

A stream is a row of tokens.  A control byte below 32 is followed by that many + 1 literal bytes; any other byte names a
match: length in its top three bits (7: one more byte follows and is added), distance in its low five bits and one byte.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d.errors import FormatError

_HASH_BITS = 16
_LONGEST_DISTANCE = 1 << 13
_LONGEST_MATCH = 264

# A match of 3 bytes makes at most this many.
LARGEST_RATIO = 88


def lzf_decompress(packed: bytes, size: int) -> bytes:
    """Return the `size` bytes that `packed` holds; `FormatError` if it holds more, fewer or nonsense."""
    if size > len(packed) * LARGEST_RATIO:
        raise FormatError(f"{len(packed)} LZF bytes cannot hold {size} bytes")
    output = np.zeros(size, np.uint8)
    written = _decompress(np.frombuffer(packed, np.uint8), output)
    if written != size:
        raise FormatError(f"the LZF stream is damaged (it breaks off at byte {abs(written)} of {size})")
    return output.tobytes()


def lzf_compress(data: bytes) -> bytes:
    """Return an LZF stream of `data`; at most 1/32 longer than it."""
    source = np.frombuffer(data, np.uint8)
    output = np.zeros(len(source) + len(source) // 32 + 16, np.uint8)
    return output[: _compress(source, output, np.full(1 << _HASH_BITS, -1, np.int64))].tobytes()


@njit(cache=True)  # type: ignore[untyped-decorator]
def _decompress(source: NDArray[np.uint8], output: NDArray[np.uint8]) -> int:
    """Fill `output`; return the bytes written, negative if the stream is damaged."""
    i, o, n, m = 0, 0, len(source), len(output)
    while i < n:
        control = int(source[i])
        i += 1
        if control < 32:
            length = control + 1
            if i + length > n or o + length > m:
                return -o - 1
            for _ in range(length):
                output[o] = source[i]
                i += 1
                o += 1
            continue
        length = control >> 5
        if length == 7:
            if i >= n:
                return -o - 1
            length += int(source[i])
            i += 1
        length += 2
        if i >= n:
            return -o - 1
        start = o - ((control & 31) << 8) - int(source[i]) - 1
        i += 1
        if start < 0 or o + length > m:
            return -o - 1
        # Byte by byte: a match may overlap what it writes.
        for k in range(length):
            output[o + k] = output[start + k]
        o += length
    return o


@njit(cache=True)  # type: ignore[untyped-decorator]
def _compress(source: NDArray[np.uint8], output: NDArray[np.uint8], table: NDArray[np.int64]) -> int:
    """Greedy matches of at least three bytes by one hash table; return the length of the stream."""
    n, i, o, literals = len(source), 0, 0, 0
    while i < n:
        length = 0
        reference = -1
        if i + 2 < n:
            key = (int(source[i]) << 16) | (int(source[i + 1]) << 8) | int(source[i + 2])
            slot = ((key * 2654435761) >> 8) & ((1 << _HASH_BITS) - 1)
            reference = table[slot]
            table[slot] = i
            if reference >= 0 and i - reference <= _LONGEST_DISTANCE:
                longest = min(n - i, _LONGEST_MATCH)
                while length < longest and source[reference + length] == source[i + length]:
                    length += 1
        if length >= 3:
            distance = i - reference - 1
            if length - 2 < 7:
                output[o] = ((length - 2) << 5) | (distance >> 8)
                o += 1
            else:
                output[o] = (7 << 5) | (distance >> 8)
                output[o + 1] = length - 9
                o += 2
            output[o] = distance & 255
            o += 1
            i += length
            literals = 0
            continue
        # The control byte of a run of literals stands before it and grows with it.
        if literals == 0:
            output[o] = 0
            o += 1
        else:
            output[o - literals - 1] = literals
        output[o] = source[i]
        o += 1
        i += 1
        literals = (literals + 1) % 32
    return o
