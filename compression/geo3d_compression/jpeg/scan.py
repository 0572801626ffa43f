# mypy: allow-untyped-defs, no-check-untyped-defs
"""Entropy-coded segments of JPEG <-> quantised coefficients, sequential and progressive, compiled.

Coefficients are one flat int16 array; block b of component c starts at `offsets[c] + 64 * b`, in natural (row-major)
order.  `layout` holds a row for each component of the scan:

    offset, blocks a row in memory, block columns and rows that the scan covers, sampling h, v inside an MCU

The writer repeats the choices of libjpeg, on which nearly all encoders are built: end-of-block runs as long as they
can be, broken at 32767 blocks or 937 pending correction bits (`emit_eobrun` in jcphuff.c).  A file written by other
choices differs when it is rebuilt, and is then not coded this way.
"""

from __future__ import annotations

import numpy as np
from numba import njit

# Natural position of each zigzag index.
ZIGZAG = np.array([
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5,
    12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
    58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
], np.int64)  # fmt: skip

OK, TRUNCATED, BAD_CODE, BAD_VALUE, LEFT_OVER = range(5)

# Reader and writer state: position, bit buffer, bits in it.
_POS, _BUF, _BITS = range(3)
# Padding that needs no note of its own.
FILL_ONES, FILL_ZEROS = -1, -2
_MAX_RUN = 0x7FFF
_MAX_PENDING = 937


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
    while state[_BITS] <= 48:
        byte = np.int64(0)
        if state[_POS] < end:
            byte = np.int64(data[state[_POS]])
        state[_POS] += 1
        state[_BUF] = ((state[_BUF] << 8) | byte) & 0xFFFFFFFFFFFFFF
        state[_BITS] += 8


@njit(cache=True, nogil=True)
def _take(data, end, state, count):
    if count == 0:
        return np.int64(0)
    if state[_BITS] < count:
        _fill(data, end, state)
    state[_BITS] -= count
    return (state[_BUF] >> state[_BITS]) & ((1 << count) - 1)


@njit(cache=True, nogil=True)
def _symbol(data, end, state, lut):
    if state[_BITS] < 16:
        _fill(data, end, state)
    entry = lut[(state[_BUF] >> (state[_BITS] - 16)) & 0xFFFF]
    if entry == 0:
        return -1
    state[_BITS] -= entry & 31
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
            state[_POS], state[_BUF], state[_BITS] = end, 0, 0
            end = ends[interval]
            last_dc[:] = 0
        x0, y0 = mcu % mcus[0], mcu // mcus[0]
        for c in range(n):
            h, v = layout[c, 4], layout[c, 5]
            for j in range(h * v):
                x, y = x0 * h + j % h, y0 * v + j // h
                at = layout[c, 0] + 64 * (y * layout[c, 1] + x)
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
        if state[_POS] > end + 8:
            return TRUNCATED
    status = _finish_interval(data, state, end, run, pads, interval)
    if status != OK:
        return status
    return OK if interval + 1 == intervals else LEFT_OVER


@njit(cache=True, nogil=True)
def _finish_interval(data, state, end, run, pads, interval):
    unread = state[_BITS] + 8 * (end - state[_POS])
    if unread < 0:
        return TRUNCATED
    if unread > 7 or run[0] > 0:
        return LEFT_OVER
    pads[interval] = (_take(data, end, state, unread) if unread else 0) | unread << 8
    return OK


@njit(cache=True, nogil=True)
def _emit(out, state, code, size):
    state[_BUF] = (state[_BUF] << size) | (code & ((1 << size) - 1))
    state[_BITS] += size
    while state[_BITS] >= 8:
        byte = (state[_BUF] >> (state[_BITS] - 8)) & 0xFF
        out[state[_POS]] = byte
        state[_POS] += 1
        if byte == 0xFF:
            out[state[_POS]] = 0
            state[_POS] += 1
        state[_BITS] -= 8
    state[_BUF] &= 0xFF


@njit(cache=True, nogil=True)
def _emit_symbol(out, state, table, symbol):
    entry = np.int64(table[symbol])
    if entry == 0:
        state[_POS] = out.size  # no such code: the caller sees a full buffer and gives up
        return
    _emit(out, state, entry >> 5, entry & 31)


@njit(cache=True, nogil=True)
def _size(value):
    n = 0
    while value:
        n += 1
        value >>= 1
    return n


@njit(cache=True, nogil=True)
def _emit_value(out, state, value, size):
    if size:
        _emit(out, state, value if value >= 0 else value + (1 << size) - 1, size)


@njit(cache=True, nogil=True)
def _write_sequential(out, state, coefs, at, dc, ac, last_dc, c):
    difference = np.int64(coefs[at]) - last_dc[c]
    last_dc[c] = coefs[at]
    size = _size(abs(difference))
    _emit_symbol(out, state, dc, size)
    if state[_POS] + 32 > out.size:
        return
    _emit_value(out, state, difference, size)
    r = 0
    for k in range(1, 64):
        value = np.int64(coefs[at + ZIGZAG[k]])
        if value == 0:
            r += 1
            continue
        while r > 15:
            if state[_POS] + 32 > out.size:
                return
            _emit_symbol(out, state, ac, 0xF0)
            r -= 16
        size = _size(abs(value))
        if size > 15 or state[_POS] + 32 > out.size:
            state[_POS] = out.size
            return
        _emit_symbol(out, state, ac, r << 4 | size)
        if state[_POS] + 32 > out.size:
            return
        _emit_value(out, state, value, size)
        r = 0
    if r > 0 and state[_POS] + 32 <= out.size:
        _emit_symbol(out, state, ac, 0)


@njit(cache=True, nogil=True)
def _flush_run(out, state, table, run, pending):
    """Emit the end-of-block run and the correction bits that wait behind it.  run = [blocks, pending bits]."""
    if run[0] > 0:
        size = _size(run[0]) - 1
        _emit_symbol(out, state, table, size << 4)
        if state[_POS] + 2 * _MAX_PENDING > out.size:
            return
        if size:
            _emit(out, state, run[0], size)
        run[0] = 0
        for i in range(run[1]):
            _emit(out, state, np.int64(pending[i]), 1)
        run[1] = 0


@njit(cache=True, nogil=True)
def _write_ac_first(out, state, coefs, at, ac, first, last, low, run, pending):
    r = 0
    for k in range(first, last + 1):
        value = np.int64(coefs[at + ZIGZAG[k]])
        magnitude = abs(value) >> low
        if magnitude == 0:
            r += 1
            continue
        _flush_run(out, state, ac, run, pending)
        size = _size(magnitude)
        while r > 15:
            if state[_POS] + 32 > out.size:
                return
            _emit_symbol(out, state, ac, 0xF0)
            r -= 16
        if size > 15 or state[_POS] + 32 > out.size:
            state[_POS] = out.size
            return
        _emit_symbol(out, state, ac, r << 4 | size)
        if state[_POS] + 32 > out.size:
            return
        _emit_value(out, state, magnitude if value > 0 else -magnitude, size)
        r = 0
    if r > 0:
        run[0] += 1
        if run[0] == _MAX_RUN:
            _flush_run(out, state, ac, run, pending)


@njit(cache=True, nogil=True)
def _write_ac_refine(out, state, coefs, at, ac, first, last, low, run, pending):
    final = 0
    for k in range(first, last + 1):
        if abs(np.int64(coefs[at + ZIGZAG[k]])) >> low == 1:
            final = k
    r, start, n = 0, run[1], 0
    for k in range(first, last + 1):
        value = np.int64(coefs[at + ZIGZAG[k]])
        magnitude = abs(value) >> low
        if magnitude == 0:
            r += 1
            continue
        while r > 15 and k <= final:
            _flush_run(out, state, ac, run, pending)
            if state[_POS] + 256 > out.size:
                return
            _emit_symbol(out, state, ac, 0xF0)
            r -= 16
            if state[_POS] + 256 > out.size:
                return
            for i in range(n):
                _emit(out, state, np.int64(pending[start + i]), 1)
            start, n = 0, 0
        if magnitude > 1:
            pending[start + n] = magnitude & 1
            n += 1
            continue
        _flush_run(out, state, ac, run, pending)
        if state[_POS] + 256 > out.size:
            return
        _emit_symbol(out, state, ac, r << 4 | 1)
        if state[_POS] + 256 > out.size:
            return
        _emit(out, state, np.int64(value > 0), 1)
        for i in range(n):
            _emit(out, state, np.int64(pending[start + i]), 1)
        start, n, r = 0, 0, 0
    if r > 0 or n > 0:
        run[0] += 1
        run[1] += n
        if run[0] == _MAX_RUN or run[1] > _MAX_PENDING:
            _flush_run(out, state, ac, run, pending)


@njit(cache=True, nogil=True)
def write_scan(out, coefs, layout, mcus, dc, ac, first, last, high, low, progressive, restart, pads):
    """Encode one scan; returns its length in bytes, or -1 when the tables lack a code or `out` is too short."""
    state = np.zeros(3, np.int64)
    run = np.zeros(2, np.int64)
    pending = np.zeros(2048, np.uint8)
    last_dc = np.zeros(4, np.int64)
    n = layout.shape[0]
    total = mcus[0] * mcus[1]
    interval = 0
    table = ac[0]
    for mcu in range(total):
        if restart > 0 and mcu > 0 and mcu % restart == 0:
            _flush_run(out, state, table, run, pending)
            if state[_POS] + 64 > out.size or not _pad(out, state, pads, interval):
                return -1
            out[state[_POS]] = 0xFF
            out[state[_POS] + 1] = 0xD0 + (interval & 7)
            state[_POS] += 2
            interval += 1
            last_dc[:] = 0
        x0, y0 = mcu % mcus[0], mcu // mcus[0]
        for c in range(n):
            h, v = layout[c, 4], layout[c, 5]
            for j in range(h * v):
                x, y = x0 * h + j % h, y0 * v + j // h
                at = layout[c, 0] + 64 * (y * layout[c, 1] + x)
                if state[_POS] + 4096 > out.size:
                    return -1
                if not progressive:
                    _write_sequential(out, state, coefs, at, dc[c], ac[c], last_dc, c)
                elif first == 0 and high == 0:
                    value = np.int64(coefs[at]) >> low
                    difference = value - last_dc[c]
                    last_dc[c] = value
                    size = _size(abs(difference))
                    _emit_symbol(out, state, dc[c], size)
                    if state[_POS] + 32 > out.size:
                        return -1
                    _emit_value(out, state, difference, size)
                elif first == 0:
                    _emit(out, state, (np.int64(coefs[at]) >> low) & 1, 1)
                elif high == 0:
                    _write_ac_first(out, state, coefs, at, ac[c], first, last, low, run, pending)
                else:
                    _write_ac_refine(out, state, coefs, at, ac[c], first, last, low, run, pending)
    if state[_POS] + 4096 > out.size:
        return -1
    _flush_run(out, state, table, run, pending)
    if state[_POS] + 64 > out.size or not _pad(out, state, pads, interval):
        return -1
    return state[_POS]


@njit(cache=True, nogil=True)
def _pad(out, state, pads, interval):
    """Fill the last byte with ones (FILL_ONES), zeros (FILL_ZEROS) or the noted bits."""
    needed = (8 - state[_BITS]) & 7
    if interval >= pads.size:
        return False
    pad = pads[interval]
    if pad == FILL_ONES:
        pad = 0xFF | needed << 8
    elif pad == FILL_ZEROS:
        pad = needed << 8
    if needed != pad >> 8:
        return False
    if needed:
        _emit(out, state, pad & 0xFF, needed)
    return True
