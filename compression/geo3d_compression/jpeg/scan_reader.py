# mypy: allow-untyped-defs, no-check-untyped-defs
"""Entropy-coded segments of JPEG -> quantised coefficients, sequential and progressive, compiled.  See `scan`."""

from __future__ import annotations

import numpy as np
from numba import njit

from geo3d_compression.jpeg.huffman import FEW, FEW_BITS
from geo3d_compression.jpeg.scan import (
    BAD_CODE,
    BAD_VALUE,
    BITS,
    BUF,
    LEFT_OVER,
    OK,
    POS,
    TRUNCATED,
    ZIGZAG,
    block_place,
)


@njit(cache=True, nogil=True)
def unstuff(data, start, end, clean, ends):
    """Remove stuffed zeros and restart markers; note where each restart interval ends.

    Returns the clean length, the number of intervals, and whether the restart markers were numbered in order.
    """
    n, intervals, ordered = 0, 0, True
    i = start
    while i < end:
        byte = data[i]
        if byte == 0xFF:
            if i + 1 >= end:
                return n, intervals, False
            follower = data[i + 1]
            if follower == 0:
                clean[n] = 0xFF
                n += 1
            else:
                if follower - 0xD0 != (intervals & 7) or intervals + 1 >= ends.size:
                    ordered = False
                else:
                    ends[intervals] = n
                    intervals += 1
            i += 2
        else:
            clean[n] = byte
            n += 1
            i += 1
    ends[intervals] = n
    return n, intervals + 1, ordered


@njit(cache=True, nogil=True)
def _fill(data, end, state):
    position, buffer, bits = state[POS], state[BUF], state[BITS]
    while bits <= 48:
        byte = np.int64(0)
        if position < end:
            byte = np.int64(data[position])
        position += 1
        buffer = ((buffer << 8) | byte) & 0xFFFFFFFFFFFFFF
        bits += 8
    state[POS], state[BUF], state[BITS] = position, buffer, bits


@njit(cache=True, nogil=True)
def _take(data, end, state, count):
    if count == 0:
        return np.int64(0)
    if state[BITS] < count:
        _fill(data, end, state)
    state[BITS] -= count
    return (state[BUF] >> state[BITS]) & ((1 << count) - 1)


@njit(cache=True, nogil=True)
def _symbol(data, end, state, lut):
    if state[BITS] < 16:
        _fill(data, end, state)
    following = (state[BUF] >> (state[BITS] - 16)) & 0xFFFF
    entry = lut[following >> (16 - FEW_BITS)]
    if entry == 0:
        entry = lut[FEW + following]
        if entry == 0:
            return -1
    state[BITS] -= entry & 31
    return np.int64(entry >> 5)


@njit(cache=True, nogil=True)
def _extend(value, size):
    return value if size == 0 or value >> (size - 1) else value - (1 << size) + 1


@njit(cache=True, nogil=True)
def _read_sequential(data, end, state, coefs, at, dc, ac, last_dc, c):
    size = _symbol(data, end, state, dc)
    if size < 0:
        return BAD_CODE
    if size > 15:
        return BAD_VALUE
    last_dc[c] += _extend(_take(data, end, state, size), size)
    if last_dc[c] < -32768 or last_dc[c] > 32767:
        return BAD_VALUE
    coefs[at] = last_dc[c]
    k = 1
    while k < 64:
        symbol = _symbol(data, end, state, ac)
        if symbol < 0:
            return BAD_CODE
        size = symbol & 15
        if size == 0:
            if symbol != 0xF0:
                return OK if symbol == 0 else BAD_VALUE
            k += 16
            continue
        k += symbol >> 4
        if k > 63:
            return BAD_VALUE
        coefs[at + ZIGZAG[k]] = _extend(_take(data, end, state, size), size)
        k += 1
    return OK


@njit(cache=True, nogil=True)
def _read_ac_first(data, end, state, coefs, at, ac, first, last, low, run):
    if run[0] > 0:
        run[0] -= 1
        return OK
    k = first
    while k <= last:
        symbol = _symbol(data, end, state, ac)
        if symbol < 0:
            return BAD_CODE
        r, size = symbol >> 4, symbol & 15
        if size == 0:
            if r < 15:
                run[0] = (1 << r) - 1 + _take(data, end, state, r)
                return OK
            k += 16
            continue
        k += r
        if k > last:
            return BAD_VALUE
        value = _extend(_take(data, end, state, size), size) << low
        if value < -32768 or value > 32767:
            return BAD_VALUE
        coefs[at + ZIGZAG[k]] = value
        k += 1
    return OK


@njit(cache=True, nogil=True)
def _refine(data, end, state, coefs, i, low):
    if _take(data, end, state, 1) and (abs(np.int64(coefs[i])) >> low) & 1 == 0:
        if coefs[i] > 0:
            coefs[i] += 1 << low
        else:
            coefs[i] -= 1 << low


@njit(cache=True, nogil=True)
def _read_ac_refine(data, end, state, coefs, at, ac, first, last, low, run):
    k = first
    if run[0] == 0:
        while k <= last:
            symbol = _symbol(data, end, state, ac)
            if symbol < 0:
                return BAD_CODE
            r, size = symbol >> 4, symbol & 15
            value = np.int64(0)
            if size == 0:
                if r < 15:
                    run[0] = (1 << r) + _take(data, end, state, r)
                    break
            elif size == 1:
                value = 1 << low if _take(data, end, state, 1) else -(1 << low)
            else:
                return BAD_VALUE
            while k <= last:
                i = at + ZIGZAG[k]
                if coefs[i] != 0:
                    _refine(data, end, state, coefs, i, low)
                else:
                    if r == 0:
                        break
                    r -= 1
                k += 1
            if value != 0:
                if k > last:
                    return BAD_VALUE
                coefs[at + ZIGZAG[k]] = value
            k += 1
    if run[0] > 0:
        while k <= last:
            i = at + ZIGZAG[k]
            if coefs[i] != 0:
                _refine(data, end, state, coefs, i, low)
            k += 1
        run[0] -= 1
    return OK


@njit(cache=True, nogil=True)
def read_scan(data, ends, intervals, coefs, layout, mcus, dc, ac, first, last, high, low, progressive, restart, pads):
    """Decode one scan of clean bytes; `mcus`: columns and rows of MCUs; `pads`: what follows the last bit of each
    restart interval, bits | count << 8.  Returns a status."""
    state = np.zeros(3, np.int64)
    run = np.zeros(1, np.int64)
    last_dc = np.zeros(4, np.int64)
    n = layout.shape[0]
    total = mcus[0] * mcus[1]
    interval = 0
    end = ends[0]
    for mcu in range(total):
        if restart > 0 and mcu > 0 and mcu % restart == 0:
            status = _finish_interval(data, state, end, run, pads, interval)
            if status != OK:
                return status
            interval += 1
            if interval >= intervals:
                return TRUNCATED
            state[POS], state[BUF], state[BITS] = end, 0, 0
            end = ends[interval]
            last_dc[:] = 0
        for c in range(n):
            for j in range(layout[c, 4] * layout[c, 5]):
                at = block_place(layout, mcus, mcu, c, j)
                if not progressive:
                    status = _read_sequential(data, end, state, coefs, at, dc[c], ac[c], last_dc, c)
                elif first == 0 and high == 0:
                    size = _symbol(data, end, state, dc[c])
                    status = OK
                    if size < 0 or size > 15:
                        status = BAD_CODE
                    else:
                        last_dc[c] += _extend(_take(data, end, state, size), size)
                        if abs(last_dc[c]) << low > 32767:
                            return BAD_VALUE
                        coefs[at] = last_dc[c] << low
                elif first == 0:
                    status = OK
                    coefs[at] |= _take(data, end, state, 1) << low
                elif high == 0:
                    status = _read_ac_first(data, end, state, coefs, at, ac[c], first, last, low, run)
                else:
                    status = _read_ac_refine(data, end, state, coefs, at, ac[c], first, last, low, run)
                if status != OK:
                    return status
        if state[POS] > end + 8:
            return TRUNCATED
    status = _finish_interval(data, state, end, run, pads, interval)
    if status != OK:
        return status
    return OK if interval + 1 == intervals else LEFT_OVER


@njit(cache=True, nogil=True)
def _finish_interval(data, state, end, run, pads, interval):
    unread = state[BITS] + 8 * (end - state[POS])
    if unread < 0:
        return TRUNCATED
    if unread > 7 or run[0] > 0:
        return LEFT_OVER
    pads[interval] = (_take(data, end, state, unread) if unread else 0) | unread << 8
    return OK
