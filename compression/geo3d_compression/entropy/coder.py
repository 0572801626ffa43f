# mypy: allow-untyped-defs, no-check-untyped-defs
"""Range coder for bits and for symbols, in integers, compiled, shared by every codec.

Carry-propagating, 32-bit range, bytewise renormalisation (Martin 1979; the form of Igor Pavlov's LZMA coder), with
16-bit probabilities.  The state is a plain int64 array, so that the functions inline into a codec's hot loop:

    state = [low or code, range, cache, pending, position, overrun]

`code_bit` serves both directions, so that one model step compiled once is the encoder and the decoder.  A decoder that
reads more than `TAIL` bytes past the end sets `overrun`; it sees zeros there, never stops early and never hangs, and
`check_decoder` turns the flag into `BitstreamError`.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d.errors import BitstreamError

LOW, RANGE, CACHE, PENDING, POSITION, OVERRUN = range(6)
STATE_SIZE = 6

# The encoder ends with at most this many bytes after the last renormalisation; it drops those that are zero.
TAIL = 4

_TOP = 1 << 24
_MASK32 = (1 << 32) - 1


def new_encoder(max_bits: int) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """State and output buffer for at most `max_bits` binary decisions (or symbols of up to 16 bits)."""
    state = np.zeros(STATE_SIZE, np.int64)
    state[RANGE] = _MASK32
    state[PENDING] = 1
    # The first byte of this coder is always zero: it is written to position -1, that is, nowhere.
    state[POSITION] = -1
    # Every decision costs at most 16 bits and the rounding of the bound; pages that stay untouched cost nothing.
    return state, np.zeros(2 * max_bits + max_bits // 8 + 64, np.uint8)


def new_decoder(data: bytes) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """State and input buffer for a stream written by `finish`."""
    state = np.zeros(STATE_SIZE, np.int64)
    state[RANGE] = _MASK32
    buffer = np.frombuffer(data, np.uint8).copy() if data else np.zeros(0, np.uint8)
    head = bytes(data[:4]).ljust(4, b"\0")
    state[LOW] = int.from_bytes(head, "big")
    state[POSITION] = min(4, len(data))
    state[OVERRUN] = max(0, 4 - len(data))
    return state, buffer


def check_decoder(state: NDArray[np.int64], buffer: NDArray[np.uint8], what: str = "stream") -> None:
    """Raise `BitstreamError` when the decoder ran past the end, or left bytes unread."""
    if state[OVERRUN] > TAIL:
        raise BitstreamError(f"{what} is truncated: {len(buffer)} bytes do not hold all its symbols")
    if state[POSITION] < len(buffer):
        raise BitstreamError(f"{what} has {len(buffer) - int(state[POSITION])} bytes after its last symbol")


def finish(state: NDArray[np.int64], buffer: NDArray[np.uint8]) -> bytes:
    """End an encoder's stream with as few bytes as identify the last interval, and return it."""
    _flush(state, buffer)
    end = int(state[POSITION])
    for _ in range(TAIL):
        if end == 0 or buffer[end - 1] != 0:
            break
        end -= 1
    return buffer[: max(end, 0)].tobytes()


@njit(cache=True, nogil=True, _nrt=False)
def _put(state, buffer, byte):
    position = state[POSITION]
    if position >= 0:
        buffer[position] = byte
    state[POSITION] = position + 1


@njit(cache=True, nogil=True, _nrt=False)
def _shift_low(state, buffer):
    low = state[LOW]
    if low < 0xFF000000 or low > _MASK32:
        carry = low >> 32
        _put(state, buffer, (state[CACHE] + carry) & 0xFF)
        while state[PENDING] > 1:
            _put(state, buffer, (0xFF + carry) & 0xFF)
            state[PENDING] -= 1
        state[PENDING] = 0
        state[CACHE] = (low >> 24) & 0xFF
    state[PENDING] += 1
    state[LOW] = (low & 0x00FFFFFF) << 8


@njit(cache=True, nogil=True)
def _flush(state, buffer):
    low = state[LOW]
    last = low + state[RANGE] - 1
    for shift in range(32, -1, -1):
        mask = (np.int64(1) << shift) - 1
        value = (low + mask) & ~mask
        if value <= last:
            state[LOW] = value
            break
    for _ in range(TAIL + 1):
        _shift_low(state, buffer)


@njit(cache=True, nogil=True, inline="always")
def _next_byte(state, buffer):
    position = state[POSITION]
    byte = np.int64(0)
    if position < buffer.size:
        byte = np.int64(buffer[position])
        state[POSITION] = position + 1
    else:
        state[OVERRUN] += 1
    return byte


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def code_bit(state, buffer, p1, bit, encode):
    """Encode `bit`, or decode one and return it.  `p1`: P(bit = 1) * 65536 in [1, 65535]."""
    width = state[RANGE]
    bound = (width >> 16) * p1
    if encode:
        if bit != 0:
            width = bound
        else:
            state[LOW] += bound
            width -= bound
        while width < _TOP:
            width <<= 8
            _shift_low(state, buffer)
    else:
        if state[LOW] < bound:
            bit = 1
            width = bound
        else:
            bit = 0
            state[LOW] -= bound
            width -= bound
        while width < _TOP:
            width <<= 8
            state[LOW] = ((state[LOW] << 8) & _MASK32) | _next_byte(state, buffer)
    state[RANGE] = width
    return bit


@njit(cache=True, nogil=True)
def code_bits(state, buffer, value, count, encode):
    """`count` equiprobable bits of `value`, the highest first; returns the value."""
    result = np.int64(0)
    for k in range(count - 1, -1, -1):
        result = (result << 1) | code_bit(state, buffer, 32768, (value >> k) & 1, encode)
    return result


@njit(cache=True, nogil=True)
def code_symbol(state, buffer, cumulative, symbol, encode):
    """Encode `symbol`, or decode one and return it, under integer frequencies.

    `cumulative`: int64 [K + 1], rising from 0 to 65536; symbol k has `cumulative[k + 1] - cumulative[k]` >= 1.
    """
    part = state[RANGE] >> 16
    if not encode:
        target = min(state[LOW] // part, 65535)
        first, last = 0, cumulative.size - 2
        while first < last:
            middle = (first + last + 1) >> 1
            if cumulative[middle] <= target:
                first = middle
            else:
                last = middle - 1
        symbol = first
    start = part * cumulative[symbol]
    state[LOW] += start if encode else -start
    if symbol == cumulative.size - 2:
        # The last symbol takes what the division left over.
        width = state[RANGE] - start
    else:
        width = part * (cumulative[symbol + 1] - cumulative[symbol])
    while width < _TOP:
        width <<= 8
        if encode:
            _shift_low(state, buffer)
        else:
            state[LOW] = ((state[LOW] << 8) & _MASK32) | _next_byte(state, buffer)
    state[RANGE] = width
    return symbol
