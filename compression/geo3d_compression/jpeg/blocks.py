# mypy: allow-untyped-defs, no-check-untyped-defs
"""The coefficient model of JPEG: which contexts each coefficient is coded in, compiled, one function both ways.

Planes one after the other, blocks in raster order.  A block: the number of non-zero coefficients of its inner 7x7,
those coefficients in zigzag order (`inner`), the two edges, first column and first row, with their counts (`edges`),
then the DC difference (`dc`).  With predictions (a warped earlier frame), every coefficient has contexts of the
predicted value as well.

    meta[p] = [first coefficient, columns, first row, end row, h, v, quality class, first block]
"""

from __future__ import annotations

import numpy as np
from numba import njit

from geo3d_compression.entropy.coder import PENDING, POSITION, RANGE
from geo3d_compression.jpeg.around import Around, PlaneView
from geo3d_compression.jpeg.classes import LOG
from geo3d_compression.jpeg.dc import announce_dc, code_dc
from geo3d_compression.jpeg.edges import code_edges
from geo3d_compression.jpeg.inner import announce_inner_count, code_inner, code_inner_count

# 8192 / sqrt(2): the weight of frequency 0 at a block border, relative to the others.
_HALF = 5793


@njit(cache=True, nogil=True)
def code_planes(coder, coefs, meta, tables, preds, reliability, marks):
    """Code rows `meta[p, 2]` to `meta[p, 3]` of every plane.  Decoding fills `coefs`, which come in as zeros.

    marks   int64 [blocks, 2], or [0, 2]: the range coder's bits so far and its range after each block
    """
    counts = np.zeros(reliability.size, np.uint8)
    for p in range(meta.shape[0]):
        _code_plane(coder, coefs, meta, tables, preds, reliability, p, counts, marks)


@njit(cache=True, nogil=True)
def _code_plane(coder, coefs, meta, tables, preds, reliability, p, counts, marks):
    offset, columns, row_0, row_1 = meta[p, 0], meta[p, 1], meta[p, 2], meta[p, 3]
    first_block, table = meta[p, 7], tables[p]
    warped = preds.shape[0] > 0
    log_step = np.zeros(64, np.int64)
    for k in range(64):
        log_step[k] = LOG[min(table[k] // 2, 4095)]
    view = PlaneView(
        p, min(p, 1), meta[p, 6], columns, table, log_step, warped, 4 if warped else 0, coefs, preds
    )  # fmt: skip
    twin = p >= 2 and meta[p - 1, 1] == columns and meta[p - 1, 4] == meta[p, 4] and meta[p - 1, 5] == meta[p, 5]
    twin_offset = meta[p - 1, 0] - offset
    below = np.zeros((columns + 1, 24), np.int64)  # border frequencies, last sample row, the one above it
    beside = np.zeros(24, np.int64)
    dc_rest = np.zeros((columns + 1, 2), np.int64)
    rests = np.zeros(2, np.int64)
    block = np.zeros(64, np.int64)
    sums = np.zeros(16, np.int64)
    pixels = np.zeros(64, np.int64)
    scratch = np.zeros(64, np.int64)
    light = np.zeros(64, np.int64)
    blank = np.zeros(64, np.int16)
    for row in range(row_0, row_1):
        rests[:] = 0
        _announce_block(coder, view, meta, counts, reliability, twin, row, 0)
        for column in range(columns):
            index = row * columns + column
            at = offset + 64 * index
            up = at - 64 * columns
            has_left, has_above = column > 0, row > row_0
            has_right = has_above and column + 1 < columns
            left = coefs[at - 64 : at] if has_left else blank
            above = coefs[up : up + 64] if has_above else blank
            b = first_block + index
            hood = Around(
                at,
                coefs[at : at + 64],
                left,
                above,
                coefs[up - 64 : up] if has_left and has_above else blank,
                coefs[up + 64 : up + 128] if has_right else blank,
                coefs[at - 128 : at - 64] if column > 1 else left,
                coefs[up - 64 * columns : up - 64 * columns + 64] if row > row_0 + 1 else above,
                has_left,
                has_above,
                twin,
                at + twin_offset,
                light,
                _light_count(meta, counts, p, row, column),
                _twin_count(meta, counts, p, twin, index),
                np.int64(reliability[b]),
                block,
                sums,
                beside,
                below[column],
            )
            if p > 0:
                _light(coefs, meta, p, row, column, light)
            for k in range(64):
                block[k] = 0
            for k in range(16):
                sums[k] = 0
            total = code_inner_count(coder, hood.here)
            counts[b] = total
            energy, error = code_inner(coder, view, hood, total)
            energy, error = code_edges(coder, view, hood, total, energy, error)
            center = announce_dc(coder, view, hood, total, energy, error, rests, dc_rest[column], pixels, scratch)
            if column + 1 < columns:
                _announce_block(coder, view, meta, counts, reliability, twin, row, column + 1)
            code_dc(coder, view, hood, center, rests, dc_rest[column])
            if not coder.encode:
                for k in range(64):
                    hood.here[k] = block[k]
            _leave(block, table, pixels, beside, below[column])
            if marks.shape[0] > 0:
                marks[b, 0] = 8 * (coder.state[POSITION] + (coder.state[PENDING] if coder.encode else 0))
                marks[b, 1] = coder.state[RANGE]


@njit(cache=True, nogil=True, _nrt=False)
def _announce_block(coder, view, meta, counts, reliability, twin, row, column):
    """Set up the count of a block's inner coefficients; those of the block to the left are known."""
    p, columns = view.number, view.columns
    index = row * columns + column
    b = meta[p, 7] + index
    has_left, has_above = column > 0, row > meta[p, 2]
    has_right = has_above and column + 1 < columns
    n_above = np.int64(counts[b - columns]) if has_above else np.int64(8)
    n_left = np.int64(counts[b - 1]) if has_left else n_above
    n_above = n_above if has_above else n_left
    n_corner = np.int64(counts[b - columns - 1]) if has_left and has_above else n_above
    n_right = np.int64(counts[b - columns + 1]) if has_right else n_above
    announce_inner_count(
        coder, view, meta[p, 0] + 64 * index, np.int64(reliability[b]), _light_count(meta, counts, p, row, column),
        _twin_count(meta, counts, p, twin, index), n_left, n_above, n_corner, n_right,
    )  # fmt: skip


@njit(cache=True, nogil=True, _nrt=False)
def _twin_count(meta, counts, p, twin, index):
    """How many inner coefficients of the plane before are not zero at the same place."""
    return np.int64(counts[meta[p - 1, 7] + index]) if twin else np.int64(0)


@njit(cache=True, nogil=True, _nrt=False)
def _light_count(meta, counts, p, row, column):
    """How many inner coefficients of the first plane's blocks at the place of a chroma block are not zero."""
    if p == 0:
        return np.int64(0)
    ratio_x, ratio_y = max(meta[0, 4] // meta[p, 4], 1), max(meta[0, 5] // meta[p, 5], 1)
    count = np.int64(0)
    for dy in range(ratio_y):
        for dx in range(ratio_x):
            y, x = row * ratio_y + dy, column * ratio_x + dx
            if y < meta[0, 3] and x < meta[0, 1]:
                count += counts[meta[0, 7] + y * meta[0, 1] + x]
    return count // (ratio_x * ratio_y)


@njit(cache=True, nogil=True, _nrt=False)
def _light(coefs, meta, p, row, column, light):
    """Magnitudes of the first plane's blocks at the place of a chroma block."""
    ratio_x, ratio_y = max(meta[0, 4] // meta[p, 4], 1), max(meta[0, 5] // meta[p, 5], 1)
    for k in range(64):
        light[k] = 0
    for dy in range(ratio_y):
        for dx in range(ratio_x):
            y, x = row * ratio_y + dy, column * ratio_x + dx
            if y < meta[0, 3] and x < meta[0, 1]:
                source = meta[0, 0] + 64 * (y * meta[0, 1] + x)
                for v in range(8):
                    for u in range(8):
                        k = (v + ratio_y - 1) // ratio_y * 8 + (u + ratio_x - 1) // ratio_x
                        light[8 * v + u] += abs(np.int64(coefs[source + k]))


@njit(cache=True, nogil=True, _nrt=False)
def _leave(block, table, pixels, beside, below):
    """What the next blocks need of this one: frequencies along its border, and its last samples."""
    dc = block[0] * table[0]
    for t in range(8):
        across, down = np.int64(0), np.int64(0)
        for s in range(7, -1, -1):
            c = block[8 * t + s] * table[8 * t + s]
            c = c * _HALF >> 13 if s == 0 else c
            across += -c if s & 1 else c
            c = block[8 * s + t] * table[8 * s + t]
            c = c * _HALF >> 13 if s == 0 else c
            down += -c if s & 1 else c
        beside[t] = across
        below[t] = down
        beside[8 + t] = pixels[8 * t + 7] + dc
        beside[16 + t] = pixels[8 * t + 6] + dc
        below[8 + t] = pixels[56 + t] + dc
        below[16 + t] = pixels[48 + t] + dc
