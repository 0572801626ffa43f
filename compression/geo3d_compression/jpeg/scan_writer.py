# mypy: allow-untyped-defs, no-check-untyped-defs
"""Quantised coefficients -> entropy-coded segments of JPEG, sequential and progressive, compiled.  See `scan`.

The writer repeats the choices of libjpeg, on which nearly all encoders are built: end-of-block runs as long as they
can be, broken at 32767 blocks or 937 pending correction bits (`emit_eobrun` in jcphuff.c).  A file written by other
choices differs when it is rebuilt, and is then not coded this way.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from geo3d_compression.jpeg.scan import BITS, BUF, FILL_ONES, FILL_ZEROS, POS, ZIGZAG, block_place

_MAX_RUN = 0x7FFF
_MAX_PENDING = 937


@njit(cache=True, nogil=True)
def _emit(out, state, code, size):
    state[BUF] = (state[BUF] << size) | (code & ((1 << size) - 1))
    state[BITS] += size
    while state[BITS] >= 8:
        byte = (state[BUF] >> (state[BITS] - 8)) & 0xFF
        out[state[POS]] = byte
        state[POS] += 1
        if byte == 0xFF:
            out[state[POS]] = 0
            state[POS] += 1
        state[BITS] -= 8
    state[BUF] &= 0xFF


@njit(cache=True, nogil=True)
def _emit_symbol(out, state, table, symbol):
    entry = np.int64(table[symbol])
    if entry == 0:
        state[POS] = out.size  # no such code: the caller sees a full buffer and gives up
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
def _emit_coefficient(out, state, ac, zeros, value):
    """A coefficient behind a run of zeros; False where the buffer is full or a code is missing."""
    while zeros > 15:
        if state[POS] + 32 > out.size:
            return False
        _emit_symbol(out, state, ac, 0xF0)
        zeros -= 16
    size = _size(abs(value))
    if size > 15 or state[POS] + 32 > out.size:
        state[POS] = out.size
        return False
    _emit_symbol(out, state, ac, zeros << 4 | size)
    if state[POS] + 32 > out.size:
        return False
    _emit_value(out, state, value, size)
    return True


@njit(cache=True, nogil=True)
def _write_sequential(out, state, coefs, at, dc, ac, last_dc, c):
    difference = np.int64(coefs[at]) - last_dc[c]
    last_dc[c] = coefs[at]
    size = _size(abs(difference))
    _emit_symbol(out, state, dc, size)
    if state[POS] + 32 > out.size:
        return
    _emit_value(out, state, difference, size)
    r = 0
    for k in range(1, 64):
        value = np.int64(coefs[at + ZIGZAG[k]])
        if value == 0:
            r += 1
            continue
        if not _emit_coefficient(out, state, ac, r, value):
            return
        r = 0
    if r > 0 and state[POS] + 32 <= out.size:
        _emit_symbol(out, state, ac, 0)


@njit(cache=True, nogil=True)
def _flush_run(out, state, table, run, pending):
    """Emit the end-of-block run and the correction bits that wait behind it.  run = [blocks, pending bits]."""
    if run[0] > 0:
        size = _size(run[0]) - 1
        _emit_symbol(out, state, table, size << 4)
        if state[POS] + 2 * _MAX_PENDING > out.size:
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
        if not _emit_coefficient(out, state, ac, r, magnitude if value > 0 else -magnitude):
            return
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
            if state[POS] + 256 > out.size:
                return
            _emit_symbol(out, state, ac, 0xF0)
            r -= 16
            if state[POS] + 256 > out.size:
                return
            for i in range(n):
                _emit(out, state, np.int64(pending[start + i]), 1)
            start, n = 0, 0
        if magnitude > 1:
            pending[start + n] = magnitude & 1
            n += 1
            continue
        _flush_run(out, state, ac, run, pending)
        if state[POS] + 256 > out.size:
            return
        _emit_symbol(out, state, ac, r << 4 | 1)
        if state[POS] + 256 > out.size:
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
            if state[POS] + 64 > out.size or not _pad(out, state, pads, interval):
                return -1
            out[state[POS]] = 0xFF
            out[state[POS] + 1] = 0xD0 + (interval & 7)
            state[POS] += 2
            interval += 1
            last_dc[:] = 0
        for c in range(n):
            for j in range(layout[c, 4] * layout[c, 5]):
                at = block_place(layout, mcus, mcu, c, j)
                if state[POS] + 4096 > out.size:
                    return -1
                if not progressive:
                    _write_sequential(out, state, coefs, at, dc[c], ac[c], last_dc, c)
                elif first == 0 and high == 0:
                    value = np.int64(coefs[at]) >> low
                    difference = value - last_dc[c]
                    last_dc[c] = value
                    size = _size(abs(difference))
                    _emit_symbol(out, state, dc[c], size)
                    if state[POS] + 32 > out.size:
                        return -1
                    _emit_value(out, state, difference, size)
                elif first == 0:
                    _emit(out, state, (np.int64(coefs[at]) >> low) & 1, 1)
                elif high == 0:
                    _write_ac_first(out, state, coefs, at, ac[c], first, last, low, run, pending)
                else:
                    _write_ac_refine(out, state, coefs, at, ac[c], first, last, low, run, pending)
    if state[POS] + 4096 > out.size:
        return -1
    _flush_run(out, state, table, run, pending)
    if state[POS] + 64 > out.size or not _pad(out, state, pads, interval):
        return -1
    return state[POS]


@njit(cache=True, nogil=True)
def _pad(out, state, pads, interval):
    """Fill the last byte with ones (FILL_ONES), zeros (FILL_ZEROS) or the noted bits."""
    needed = (8 - state[BITS]) & 7
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
