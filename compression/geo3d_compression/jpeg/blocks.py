# mypy: allow-untyped-defs, no-check-untyped-defs
"""The coefficient model of JPEG: which contexts each coefficient is coded in, compiled, one function both ways.

Planes one after the other, blocks in raster order.  A block: the number of non-zero coefficients of its inner 7x7,
those coefficients in zigzag order, the two edges (first column, first row) with their counts, then the DC difference.
Edges are predicted from continuity across the block border, DC from gradients across it (D. R. Horn et al., "The
design, implementation and deployment of Lepton", NSDI 2017, sections A.2.2-A.2.3); the rest is context mixing.

With predictions (a warped earlier frame), every coefficient has contexts of the predicted value as well.

    meta[p] = [first coefficient, columns, first row, end row, h, v, quality class, first block]
"""

from __future__ import annotations

import numpy as np
from numba import njit

from geo3d_compression.jpeg.scan import ZIGZAG
from geo3d_compression.jpeg.step import (
    APM_ROW,
    CLASS,
    ROW_0,
    ROW_1,
    ROW_2,
    code_count,
    code_value,
    mix_hash,
)

# Inner coefficients in zigzag order.
INNER = np.array([z for z in ZIGZAG if z >= 8 and z % 8], np.int64)
INNER_AC, EDGE, DC, COUNT = range(4)

_SCALE = 8192
# The 8-point DCT basis [sample, frequency] * 8192; no entry is near a rounding tie.
BASIS = np.round(
    _SCALE
    * np.where(np.arange(8) == 0, np.sqrt(0.125), 0.5)
    * np.cos((2 * np.arange(8)[:, None] + 1) * np.arange(8) * np.pi / 16)
).astype(np.int64)
# 8192 / sqrt(2) and its inverse: the weight of frequency 0 at a block border, relative to the others.
_HALF = 5793
_ROOT = 11585


def _log_table(size: int) -> np.ndarray:
    """Half-octave classes of a magnitude: 0 1 2 3 4 5 5 6 6 7 7 7 8 ..."""
    edges = [0, 1, 2, 3, 4]
    while edges[-1] < size:
        top = edges[-1]
        edges.append(top + max(1, (top * 27) // 64))
    return (np.searchsorted(np.array(edges), np.arange(size), side="right") - 1).astype(np.int64)


LOG = _log_table(4096)


def _fine_table() -> np.ndarray:
    """Classes of a predicted magnitude in eighths of a step: fine where it decides between 0, 1, 2."""
    edges = [*range(9), *range(10, 25, 2), *range(28, 65, 4)]
    while edges[-1] < 4096:
        edges.append(edges[-1] * 5 // 4)
    return (np.searchsorted(np.array(edges), np.arange(4096), side="right") - 1).astype(np.int64)


FINE = _fine_table()


@njit(cache=True, nogil=True, inline="always")
def _log(value):
    return LOG[min(value, 4095)]


@njit(cache=True, nogil=True, inline="always")
def _signed(value):
    return LOG[min(abs(value), 4095)] * (1 if value >= 0 else -1) + 64


@njit(cache=True, nogil=True, inline="always")
def _fine(value):
    return FINE[min(abs(value), 4095)] * (1 if value >= 0 else -1) + 64


@njit(cache=True, nogil=True, inline="always")
def _clip(value, limit):
    return min(max(value, -limit), limit)


@njit(cache=True, nogil=True, inline="always")
def _divide(value, step):
    """Rounded division, symmetric around zero."""
    return (value + step // 2) // step if value >= 0 else -((-value + step // 2) // step)


@njit(cache=True, nogil=True)
def _contexts(work, kind, a, b, c, d, e, f, g, h, i, j, k, m, n, o):
    work[0], work[1], work[2], work[3], work[4], work[5], work[6] = a, b, c, d, e, f, g
    work[7], work[8], work[9], work[10], work[11], work[12], work[13] = h, i, j, k, m, n, o
    for t in range(14):
        work[t] = mix_hash(work[t], kind + 4 * t)


@njit(cache=True, nogil=True)
def _warp_contexts(work, kind, a, b, c, d, e, f):
    work[14], work[15], work[16], work[17], work[18], work[19] = a, b, c, d, e, f
    for t in range(14, 20):
        work[t] = mix_hash(work[t], kind + 4 * t)


@njit(cache=True, nogil=True)
def _samples(block, table, pixels, scratch):
    """Samples * 8 of a block without its DC, by the separable basis."""
    for x in range(64):
        scratch[x] = 0
    for v in range(8):
        for u in range(8):
            c = block[8 * v + u]
            if c != 0 and u + v > 0:
                c = c * table[8 * v + u]
                for x in range(8):
                    scratch[8 * v + x] += c * BASIS[x, u]
    for x in range(64):
        scratch[x] >>= 8
    for y in range(8):
        for x in range(8):
            total = np.int64(0)
            for v in range(8):
                total += scratch[8 * v + x] * BASIS[y, v]
            pixels[8 * y + x] = total >> 15


@njit(cache=True, nogil=True)
def code_planes(state, buffer, encode, coefs, meta, tables, preds, reliability, counters, weights, final, apm, work):
    """Code rows `meta[p, 2]` to `meta[p, 3]` of every plane.  Decoding fills `coefs`, which come in as zeros."""
    counts = np.zeros(reliability.size, np.uint8)
    for p in range(meta.shape[0]):
        _code_plane(
            state, buffer, encode, coefs, meta, tables, preds, reliability, counters, weights, final, apm, work, p,
            counts,
        )  # fmt: skip


@njit(cache=True, nogil=True)
def _code_plane(
    state, buffer, encode, coefs, meta, tables, preds, reliability, counters, weights, final, apm, work, p, counts
):
    offset, columns, row_0, row_1 = meta[p, 0], meta[p, 1], meta[p, 2], meta[p, 3]
    quality, first_block = meta[p, 6], meta[p, 7]
    table = tables[p]
    warped = preds.shape[0] > 0
    side_rows = 4 if warped else 0
    plane = min(p, 1)
    # The same row of blocks in the first plane, and whether the plane before has the same layout.
    ratio_x, ratio_y = max(meta[0, 4] // meta[p, 4], 1), max(meta[0, 5] // meta[p, 5], 1)
    twin = p >= 2 and meta[p - 1, 1] == columns and meta[p - 1, 4] == meta[p, 4] and meta[p - 1, 5] == meta[p, 5]
    twin_offset = meta[p - 1, 0] - offset
    below = np.zeros((columns + 1, 24), np.int64)  # border frequencies, last sample row, the one above it
    beside = np.zeros(24, np.int64)
    dc_rest = np.zeros((columns + 1, 2), np.int64)
    block = np.zeros(64, np.int64)
    pixels = np.zeros(64, np.int64)
    scratch = np.zeros(64, np.int64)
    light = np.zeros(64, np.int64)
    blank = np.zeros(64, np.int16)
    log_step = np.zeros(64, np.int64)
    for k in range(64):
        log_step[k] = LOG[min(table[k] // 2, 4095)]
    for row in range(row_0, row_1):
        rest_left = np.int64(0)
        warp_rest_left = np.int64(0)
        for column in range(columns):
            index = row * columns + column
            at = offset + 64 * index
            here = coefs[at : at + 64]
            has_left, has_above = column > 0, row > row_0
            left = coefs[at - 64 : at] if has_left else blank
            above = coefs[at - 64 * columns : at - 64 * columns + 64] if has_above else blank
            corner = coefs[at - 64 * columns - 64 : at - 64 * columns] if has_left and has_above else blank
            right = (
                coefs[at - 64 * columns + 64 : at - 64 * columns + 128] if has_above and column + 1 < columns else blank
            )
            left_2 = coefs[at - 128 : at - 64] if column > 1 else left
            above_2 = coefs[at - 128 * columns : at - 128 * columns + 64] if row > row_0 + 1 else above
            b = first_block + index
            n_above = np.int64(counts[b - columns]) if has_above else np.int64(8)
            n_left = np.int64(counts[b - 1]) if has_left else n_above
            n_above = n_above if has_above else n_left
            n_corner = np.int64(counts[b - columns - 1]) if has_left and has_above else n_above
            n_right = np.int64(counts[b - columns + 1]) if has_above and column + 1 < columns else n_above
            n_light = np.int64(0)
            twin_at = at + twin_offset
            if p > 0:
                for k in range(64):
                    light[k] = 0
                for dy in range(ratio_y):
                    for dx in range(ratio_x):
                        y, x = row * ratio_y + dy, column * ratio_x + dx
                        if y < meta[0, 3] and x < meta[0, 1]:
                            other = meta[0, 7] + y * meta[0, 1] + x
                            n_light += counts[other]
                            source = meta[0, 0] + 64 * (y * meta[0, 1] + x)
                            for v in range(8):
                                for u in range(8):
                                    k = (v + ratio_y - 1) // ratio_y * 8 + (u + ratio_x - 1) // ratio_x
                                    light[8 * v + u] += abs(np.int64(coefs[source + k]))
                n_light = n_light // (ratio_x * ratio_y)
            n_twin = np.int64(counts[b - (first_block - meta[p - 1, 7])]) if twin else np.int64(0)
            rel = np.int64(reliability[b])
            for k in range(64):
                block[k] = 0

            # How many inner coefficients are not zero.
            count = np.int64(0)
            n_warp = np.int64(0)
            sum_warp = np.int64(0)
            if encode:
                for i in range(49):
                    count += here[INNER[i]] != 0
            if warped:
                for i in range(49):
                    size = abs(np.int64(preds[0, at + INNER[i]]))
                    n_warp += size >= 5
                    sum_warp += size
            around = (2 * n_left + 2 * n_above + n_corner + n_right + 1) // 3
            work[CLASS] = COUNT + side_rows
            work[ROW_0] = min(around, 63)
            work[ROW_1] = (plane * 4 + rel) * 8 + quality
            work[ROW_2] = min(n_warp, 31) if warped else min(n_light, 31)
            work[APM_ROW] = min(around // 6, 15)
            _contexts(
                work, COUNT,
                plane << 16 | around, n_left << 16 | n_above << 8 | plane, (n_corner << 8 | n_right) << 8 | around // 4,
                (n_light << 8 | n_twin) << 8 | around // 2 | plane << 30, quality << 16 | around << 1 | plane,
                (n_left + n_above) << 8 | abs(n_left - n_above), n_light << 16 | p, n_twin << 16 | around,
                n_left << 8 | p, n_above << 8 | p, n_right << 8 | n_above // 4 << 20 | p,
                (n_left + n_corner) << 8 | n_above, quality << 8 | p, 77 + p,
            )  # fmt: skip
            if warped:
                _warp_contexts(
                    work, COUNT, n_warp << 8 | rel, _log(sum_warp) << 8 | rel, n_warp << 16 | around << 4 | rel,
                    n_warp << 16 | n_light << 8 | n_twin << 24 | rel, _log(sum_warp) << 8 | n_warp << 16 | rel,
                    plane << 4 | rel << 20 | n_warp << 8,
                )  # fmt: skip
            count = code_count(state, buffer, counters, weights, final, apm, work, count, 6, encode)
            counts[b] = count
            total = count

            # The inner coefficients.
            work[CLASS] = INNER_AC + side_rows
            energy = np.int64(0)
            error = np.int64(0)
            previous, previous_2 = np.int64(0), np.int64(0)
            for i in range(49):
                if count == 0 or count > 49:
                    break
                k = INNER[i]
                u, v = k & 7, k >> 3
                a, w = np.int64(above[k]), np.int64(left[k])
                c_a, c_r = abs(np.int64(corner[k])), abs(np.int64(right[k]))
                near = 2 * (abs(a) + abs(w)) + c_a + c_r
                west, north = block[k - 1], block[k - 8]
                local = 2 * (abs(west) + abs(north)) + abs(block[k - 9])
                if u < 7:
                    local += abs(block[k - 7])
                if v < 7:
                    local += abs(block[k + 7])
                sum_u, sum_v = np.int64(0), np.int64(0)
                for t in range(1, 8):
                    sum_u += block[8 * v + t] * table[8 * v + t]
                    sum_v += block[8 * t + u] * table[8 * t + u]
                step = table[k]
                from_left = _divide(4 * (beside[v] - sum_u), step) if has_left else np.int64(0)
                from_above = _divide(4 * (below[column, u] - sum_v), step) if has_above else np.int64(0)
                q_near, q_local = _log(near), _log(local)
                tw = np.int64(coefs[twin_at + k]) if twin else np.int64(0)
                q_light = _log(light[k])
                zone = i * 8 // 49
                hidden = _log(near * step // 4)
                far = _log(abs(np.int64(left_2[k])) + abs(np.int64(above_2[k])))
                base = i << 1 | plane
                work[ROW_0] = i
                work[ROW_1] = min(q_near, 7) * 8 + min(LOG[count], 7)
                work[ROW_2] = plane * 16 + min(q_local, 7) * 2 + (quality > 3)
                work[APM_ROW] = min(q_near, 3) * 4 + min(q_local, 3)
                _contexts(
                    work, INNER_AC,
                    (base << 8 | count) << 8 | q_near,
                    ((q_near << 8 | q_local) << 8 | LOG[count]) << 8 | zone << 1 | plane,
                    (base << 8 | q_local) << 8 | total,
                    ((base << 8 | _signed(_clip(from_left, 40))) << 8 | _signed(_clip(from_above, 40))),
                    ((base << 8 | _log(abs(a))) << 8 | _log(abs(w))) << 4 | min(count, 15),
                    ((base << 8 | q_light) << 8 | _signed(tw)) << 4 | min(q_near, 15),
                    (base << 8 | _clip(west, 3) + 4) << 8 | _clip(north, 3) + 4,
                    (base << 8 | log_step[k]) << 8 | hidden,
                    ((base << 8 | _log(c_a)) << 8 | _log(c_r)) << 8 | q_local,
                    ((base << 8 | far) << 8 | q_near) << 8 | min(count, 15),
                    (((49 - i) << 8 | count) << 8 | q_local) << 8 | plane,
                    ((base << 8 | _clip(previous, 7) + 8) << 8 | _clip(previous_2, 7) + 8) << 8 | min(count, 31),
                    (base << 8 | _signed(_clip(a, 20))) << 8 | _signed(_clip(w, 20)),
                    ((_log(energy) << 8 | q_near) << 8 | quality) << 8 | base,
                )  # fmt: skip
                if warped:
                    guess = np.int64(preds[0, at + k])
                    other = np.int64(preds[1, at + k])
                    wrong = _log(_beside_error(left, above, preds, at, columns, k, has_left, has_above))
                    work[ROW_2] = rel * 8 + min(_log(abs(guess)), 7)
                    work[APM_ROW] = min(_log(abs(guess)), 15)
                    _warp_contexts(
                        work, INNER_AC,
                        (_fine(guess) << 8 | base) << 8 | rel,
                        ((_fine(guess) << 8 | q_near) << 8 | rel) << 8 | min(count, 7),
                        ((_signed(guess) << 8 | _signed(other)) << 8 | zone) << 8 | rel,
                        ((_fine(guess) << 8 | wrong) << 8 | rel) << 8 | min(q_local, 3),
                        ((_signed(guess) << 8 | _log(error)) << 8 | count) << 8 | rel,
                        ((_fine((guess + other) >> 1) << 8 | base) << 8 | min(wrong, 5)),
                    )  # fmt: skip
                value = code_value(
                    state, buffer, counters, weights, final, apm, work, np.int64(here[k]), count > 49 - i - 1, encode
                )
                block[k] = value
                previous_2, previous = previous, value
                if value != 0:
                    count -= 1
                energy += abs(value)
                if warped:
                    error += abs(8 * value - np.int64(preds[0, at + k])) >> 2

            # The edges.
            for side in range(2):
                stride = 8 if side == 0 else 1
                count = np.int64(0)
                beside_count, above_count, row_count, n_warp = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
                for t in range(1, 8):
                    k = t * stride
                    if encode:
                        count += here[k] != 0
                    beside_count += left[k] != 0
                    above_count += above[k] != 0
                    row_count += block[k + (1 if side == 0 else 8)] != 0
                    if warped:
                        n_warp += abs(np.int64(preds[0, at + k])) >= 5
                kind = side << 1 | plane
                work[CLASS] = COUNT + side_rows
                work[ROW_0] = (beside_count + above_count) * 4 + kind
                work[ROW_1] = row_count * 8 + quality
                work[ROW_2] = rel * 8 + n_warp if warped else LOG[total]
                work[APM_ROW] = row_count
                tag = (kind + 8) << 40
                _contexts(
                    work, COUNT,
                    tag | beside_count << 8 | above_count, tag | row_count << 8 | (beside_count + above_count),
                    tag | total << 8 | row_count, tag | total << 8 | quality,
                    tag | beside_count << 8 | row_count, tag | above_count << 8 | row_count,
                    tag | (beside_count << 8 | above_count) << 8 | row_count, tag | quality << 8 | row_count,
                    tag | n_light << 8 | n_twin, tag | _log(light[stride]) << 8 | _log(light[2 * stride]),
                    tag | (_log(abs(np.int64(left[stride]))) << 8 | _log(abs(np.int64(above[stride])))),
                    tag | (np.int64(right[stride] != 0) + np.int64(right[2 * stride] != 0)) << 8 | above_count,
                    tag | n_light << 8 | row_count, tag | _log(energy) << 8 | row_count,
                )  # fmt: skip
                if warped:
                    _warp_contexts(
                        work, COUNT, tag | n_warp << 8 | rel, tag | n_warp << 8 | rel << 4 | row_count << 16,
                        tag | n_warp << 8 | (beside_count + above_count) << 16 | rel, tag | n_warp << 8 | total << 16,
                        tag | _log(error) << 8 | n_warp << 16 | rel, tag | n_warp << 8 | n_twin << 16 | rel,
                    )  # fmt: skip
                count = code_count(state, buffer, counters, weights, final, apm, work, count, 3, encode)
                on_edge = count
                work[CLASS] = EDGE + side_rows
                for t in range(1, 8):
                    if count == 0:
                        break
                    k = t * stride
                    inner = 1 if side == 0 else 8
                    step = table[k]
                    known = np.int64(0)
                    for s in range(1, 8):
                        known += block[k + s * inner] * table[k + s * inner]
                    if side == 0:
                        border = beside[t] if has_left else known
                    else:
                        border = below[column, t] if has_above else known
                    # In eighths of a step.
                    forecast = _clip(_divide((border - known) * _ROOT >> 10, step), 1 << 19)
                    a, w = np.int64(above[k]), np.int64(left[k])
                    across, along = (w, a) if side == 0 else (a, w)
                    near = 2 * (abs(a) + abs(w)) + abs(np.int64(corner[k])) + abs(np.int64(right[k]))
                    q_near = _log(near)
                    one, two = block[k + inner], block[k + 2 * inner]
                    before = block[k - stride] if t > 1 else np.int64(0)
                    before_2 = block[k - 2 * stride] if t > 2 else np.int64(0)
                    local = 2 * abs(one) + abs(two) + abs(before)
                    tw = np.int64(coefs[twin_at + k]) if twin else np.int64(0)
                    guess_class = _fine(forecast)
                    onward = _signed(_clip(forecast >> 1, 100))
                    far = _log(abs(np.int64(left_2[k]))) << 8 | _log(abs(np.int64(above_2[k])))
                    base = (t << 1 | side) << 1 | plane
                    work[ROW_0] = base
                    work[ROW_1] = min(_log(abs(forecast)), 15) * 4 + min(count, 3)
                    work[ROW_2] = plane * 16 + min(q_near, 7) * 2 + (quality > 3)
                    work[APM_ROW] = min(_log(abs(forecast)), 15)
                    _contexts(
                        work, EDGE,
                        (base << 8 | guess_class) << 8 | count,
                        ((base << 8 | count) << 8 | q_near) << 8 | min(total, 8),
                        ((guess_class << 8 | q_near) << 8 | side << 1 | plane) << 8 | min(_log(local), 7),
                        (base << 8 | _signed(_clip(along, 30))) << 8 | onward,
                        ((base << 8 | _log(abs(a))) << 8 | _log(abs(w))) << 8 | count,
                        ((base << 8 | _log(light[k])) << 8 | _signed(tw)) << 4 | min(_log(abs(forecast)), 15),
                        ((base << 8 | _clip(one, 7) + 8) << 8 | _clip(two, 7) + 8) << 8 | guess_class // 2,
                        (base << 8 | log_step[k]) << 8 | _log(near * step // 4),
                        ((guess_class << 8 | log_step[k]) << 8) | base,
                        ((base << 8 | on_edge) << 8 | _log(abs(forecast))) << 8 | total,
                        (base << 8 | _signed(_clip(a, 30))) << 8 | _signed(_clip(w, 30)),
                        ((base << 8 | _clip(before, 15) + 16) << 8 | _clip(before_2, 15) + 16) << 8 | count,
                        base << 24 | far << 8 | q_near,
                        ((base << 8 | _log(energy)) << 8 | quality) << 8 | _log(abs(across)),
                    )  # fmt: skip
                    if warped:
                        guess = np.int64(preds[0, at + k])
                        other = np.int64(preds[1, at + k])
                        wrong = _log(_beside_error(left, above, preds, at, columns, k, has_left, has_above))
                        work[ROW_2] = rel * 8 + min(_log(abs(guess)), 7)
                        _warp_contexts(
                            work, EDGE,
                            (_fine(guess) << 8 | base) << 8 | rel,
                            ((_fine(guess) << 8 | q_near) << 8 | rel) << 8 | min(count, 7),
                            ((_signed(guess) << 8 | _signed(other)) << 8 | t) << 8 | rel,
                            ((_fine(guess) << 8 | wrong) << 8 | rel) << 8 | base,
                            ((_signed(guess) << 8 | _log(error)) << 8 | count) << 8 | rel,
                            _fine((guess + other) >> 1) << 16 | onward << 8 | plane << 4 | rel,
                        )  # fmt: skip
                    value = code_value(
                        state, buffer, counters, weights, final, apm, work, np.int64(here[k]), count > 7 - t, encode
                    )
                    block[k] = value
                    if value != 0:
                        count -= 1
                    energy += abs(value)
                    if warped:
                        error += abs(8 * value - np.int64(preds[0, at + k])) >> 2

            # DC, as the difference to what the border samples say.
            _samples(block, table, pixels, scratch)
            step = np.int64(table[0])
            sum_l, sum_a, spread = np.int64(0), np.int64(0), np.int64(0)
            if has_left:
                for t in range(8):
                    e = beside[8 + t] + (beside[8 + t] - beside[16 + t]) // 2 - pixels[8 * t]
                    scratch[t] = e + (pixels[8 * t + 1] - pixels[8 * t]) // 2
                    sum_l += scratch[t]
            if has_above:
                for t in range(8):
                    e = below[column, 8 + t] + (below[column, 8 + t] - below[column, 16 + t]) // 2 - pixels[t]
                    scratch[8 + t] = e + (pixels[8 + t] - pixels[t]) // 2
                    sum_a += scratch[8 + t]
            spread_l, spread_a = np.int64(0), np.int64(0)
            if has_left:
                for t in range(8):
                    spread_l += abs(scratch[t] - sum_l // 8)
            if has_above:
                for t in range(8):
                    spread_a += abs(scratch[8 + t] - sum_a // 8)
            if has_left and has_above:
                w_l, w_a = spread_a + 8 * step // 8 + 1, spread_l + 8 * step // 8 + 1
                spatial = (sum_l * w_l + sum_a * w_a) // (8 * (w_l + w_a))
                spread = spread_l + spread_a + abs(sum_l - sum_a)
            elif has_left:
                spatial, spread = sum_l // 8, 2 * spread_l
            elif has_above:
                spatial, spread = sum_a // 8, 2 * spread_a
            else:
                spatial = np.int64(0)
            # In eighths of a step, like the warped prediction.
            spatial_8 = _clip(_divide(8 * spatial, step), 1 << 19)
            center_8 = spatial_8
            apart = np.int64(0)
            if warped and rel > 0:
                guess = np.int64(preds[0, at])
                drift = np.int64(0)
                if has_left and has_above:
                    drift = (warp_rest_left + dc_rest[column, 1]) >> 1
                elif has_left:
                    drift = warp_rest_left
                elif has_above:
                    drift = dc_rest[column, 1]
                center_8 = guess + (drift >> 1)
                apart = spatial_8 - center_8
            center = (center_8 + 4) >> 3
            part = center_8 + 4 - (center << 3)
            q_spread = min(_log(_divide(spread, 2 * step)), 24)
            slant = _signed(_clip(_divide(sum_l - sum_a, 4 * step), 200)) if has_left and has_above else np.int64(0)
            rest_above = dc_rest[column, 0]
            rest_twin = np.int64(0)
            if twin:
                rest_twin = np.int64(light[0])
            work[CLASS] = DC + side_rows
            work[ROW_0] = min(q_spread, 15) * 4 + rel if warped else min(q_spread, 31) * 2 + plane
            work[ROW_1] = min(_log(abs(rest_left) + abs(rest_above)), 7) * 8 + quality
            work[ROW_2] = part * 4 + rel
            work[APM_ROW] = min(q_spread, 15)
            _contexts(
                work, DC,
                q_spread << 8 | p, (q_spread << 8 | slant) << 8 | plane,
                (_signed(_clip(rest_left, 60)) << 8 | _signed(_clip(rest_above, 60))) << 8 | plane,
                (part << 8 | q_spread) << 8 | plane, (total << 8 | q_spread) << 8 | plane,
                ((_log(energy) << 8 | q_spread) << 8 | plane) << 8 | part // 2,
                (quality << 8 | q_spread) << 8 | plane,
                (_log(abs(rest_left) + abs(rest_above)) << 8 | q_spread) << 8 | plane,
                _log(_divide(spread_l, step)) << 16 | _log(_divide(spread_a, step)) << 8 | plane,
                (_log(rest_twin) << 8 | q_spread) << 8 | p,
                slant << 16 | part << 8 | plane, (n_light << 8 | q_spread) << 8 | p,
                (_signed(_clip(rest_left + rest_above, 60)) << 8 | slant) << 8 | plane,
                (log_step[0] << 8 | q_spread) << 8 | part // 2,
            )  # fmt: skip
            if warped:
                near = _signed(_clip(apart, 400))
                other = _signed(_clip(np.int64(preds[1, at]) - center_8, 400))
                drift_l, drift_a = warp_rest_left, dc_rest[column, 1]
                _warp_contexts(
                    work, DC, (near << 8 | rel) << 8 | q_spread, (other << 8 | rel) << 8 | part,
                    ((_signed(_clip(drift_l, 200)) << 8 | _signed(_clip(drift_a, 200))) << 8 | rel) << 8 | plane,
                    ((near << 8 | other) << 8 | rel) << 8 | plane, (_log(error) << 8 | rel) << 8 | part // 2,
                    ((_log(abs(rest_left)) << 8 | _log(abs(rest_above))) << 8 | rel) << 8 | _log(error),
                )  # fmt: skip
            rest = code_value(
                state, buffer, counters, weights, final, apm, work,
                _clip(np.int64(here[0]) - center, 131071), False, encode,
            )  # fmt: skip
            dc = _clip(center + rest, 32767)
            block[0] = dc
            rest_left = rest
            dc_rest[column, 0] = rest
            warp_rest_left = 8 * dc - np.int64(preds[0, at]) if warped and rel > 0 else np.int64(0)
            dc_rest[column, 1] = warp_rest_left

            if not encode:
                for k in range(64):
                    here[k] = block[k]
            # What the next blocks need of this one.
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
                below[column, t] = down
                beside[8 + t] = pixels[8 * t + 7] + dc * step
                beside[16 + t] = pixels[8 * t + 6] + dc * step
                below[column, 8 + t] = pixels[56 + t] + dc * step
                below[column, 16 + t] = pixels[48 + t] + dc * step


@njit(cache=True, nogil=True, inline="always")
def _beside_error(left, above, preds, at, columns, k, has_left, has_above):
    """How wrong the prediction of this coefficient was in the blocks to the left and above, in quarter steps."""
    total = np.int64(0)
    if has_left:
        total += abs(8 * np.int64(left[k]) - np.int64(preds[0, at - 64 + k]))
    if has_above:
        total += abs(8 * np.int64(above[k]) - np.int64(preds[0, at - 64 * columns + k]))
    return total >> 1
