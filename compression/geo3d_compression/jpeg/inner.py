# mypy: allow-untyped-defs, no-check-untyped-defs
"""The inner 7x7 coefficients of a block, in zigzag order, and how many of them are not zero; compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

from geo3d_compression.jpeg.around import error_beside, twin_value
from geo3d_compression.jpeg.classes import LOG, clip, divide, fine, log, signed
from geo3d_compression.jpeg.contexts import COUNT, INNER_AC, set_contexts, set_warp_contexts
from geo3d_compression.jpeg.scan import ZIGZAG
from geo3d_compression.jpeg.step import advance, announce_count, announce_value, code_count, code_value
from geo3d_compression.jpeg.work import APM_ROW, CLASS, NEXT, NEXT_BLOCK, ROW_0, ROW_1, ROW_2

INNER = np.array([z for z in ZIGZAG if z >= 8 and z % 8], np.int64)


@njit(cache=True, nogil=True, _nrt=False)
def announce_inner_count(coder, view, at, rel, n_light, n_twin, n_left, n_above, n_corner, n_right):
    """Set up how many inner coefficients of a block are not zero, from the counts of the blocks around."""
    p, plane, quality, warped, preds = view.number, view.kind, view.quality, view.warped, view.preds
    work, inputs, side_rows, to = coder.work, coder.inputs, view.side_rows, NEXT_BLOCK
    n_warp = np.int64(0)
    sum_warp = np.int64(0)
    if warped:
        for i in range(49):
            size = abs(np.int64(preds[0, at + INNER[i]]))
            n_warp += size >= 5
            sum_warp += size
    around = (2 * n_left + 2 * n_above + n_corner + n_right + 1) // 3
    work[to + CLASS] = COUNT + side_rows
    work[to + ROW_0] = min(around, 63)
    work[to + ROW_1] = (plane * 4 + rel) * 8 + quality
    work[to + ROW_2] = min(n_warp, 31) if warped else min(n_light, 31)
    work[to + APM_ROW] = min(around // 6, 15)
    set_contexts(
        work, inputs, to, COUNT,
        plane << 16 | around, n_left << 16 | n_above << 8 | plane, (n_corner << 8 | n_right) << 8 | around // 4,
        (n_light << 8 | n_twin) << 8 | around // 2 | plane << 30, quality << 16 | around << 1 | plane,
        (n_left + n_above) << 8 | abs(n_left - n_above), n_light << 16 | p, n_twin << 16 | around,
        n_left << 8 | p, n_above << 8 | p, n_right << 8 | n_above // 4 << 20 | p,
        (n_left + n_corner) << 8 | n_above, quality << 8 | p, 77 + p,
    )  # fmt: skip
    if warped:
        set_warp_contexts(
            work, to, COUNT, n_warp << 8 | rel, log(sum_warp) << 8 | rel, n_warp << 16 | around << 4 | rel,
            n_warp << 16 | n_light << 8 | n_twin << 24 | rel, log(sum_warp) << 8 | n_warp << 16 | rel,
            plane << 4 | rel << 20 | n_warp << 8,
        )  # fmt: skip
    announce_count(coder, to, 8 | min(around >> 3, 7))


@njit(cache=True, nogil=True, _nrt=False)
def code_inner_count(coder, here):
    """Code the count that was set up."""
    count = np.int64(0)
    if coder.encode:
        for i in range(49):
            count += here[INNER[i]] != 0
    advance(coder.work, coder.inputs, NEXT_BLOCK)
    return code_count(coder, count, 6)


@njit(cache=True, nogil=True, _nrt=False)
def code_inner(coder, view, hood, total):
    """Code the `total` inner coefficients into `hood.block`; their magnitudes, and the prediction's error."""
    plane, quality, table, warped, preds = view.kind, view.quality, view.table, view.warped, view.preds
    at, here, left, above, rel = hood.at, hood.here, hood.left, hood.above, hood.reliability
    has_left, has_above, block = hood.has_left, hood.has_above, hood.block
    beside, below, light, sums = hood.beside, hood.below, hood.light, hood.sums
    work, inputs, side_rows, to = coder.work, coder.inputs, view.side_rows, NEXT
    corner, right, left_2, above_2 = hood.corner, hood.right, hood.left_2, hood.above_2
    log_step, count = view.log_step, total
    energy, error, error_before = np.int64(0), np.int64(0), np.int64(0)
    if total == 0 or total > 49:
        return energy, error
    previous, previous_2 = np.int64(0), np.int64(0)
    # While a coefficient is coded, the memory for the next one is on its way: contexts are set up one ahead, on a guess
    # that the encoder knows to be right and the decoder, which guesses zero, may have to take back.
    i, count_before, supposed, known = np.int64(-1), total, np.int64(0), True
    while True:
        j = i + 1
        if count > 0 and j < 49:
            k = INNER[j]
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
            step = table[k]
            from_left = divide(4 * (beside[v] - sums[v]), step) if has_left else np.int64(0)
            from_above = divide(4 * (below[u] - sums[8 + u]), step) if has_above else np.int64(0)
            q_near, q_local = log(near), log(local)
            tw = twin_value(view, hood, k)
            q_light = log(light[k])
            zone = j * 8 // 49
            hidden = log(near * step // 4)
            far = log(abs(np.int64(left_2[k])) + abs(np.int64(above_2[k])))
            base = j << 1 | plane
            work[to + CLASS] = INNER_AC + side_rows
            work[to + ROW_0] = j
            work[to + ROW_1] = min(q_near, 7) * 8 + min(LOG[count], 7)
            work[to + ROW_2] = plane * 16 + min(q_local, 7) * 2 + (quality > 3)
            work[to + APM_ROW] = min(q_near, 3) * 4 + min(q_local, 3)
            set_contexts(
                work, inputs, to, INNER_AC,
                (base << 8 | count) << 8 | q_near,
                ((q_near << 8 | q_local) << 8 | LOG[count]) << 8 | zone << 1 | plane,
                (base << 8 | q_local) << 8 | total,
                ((base << 8 | signed(clip(from_left, 40))) << 8 | signed(clip(from_above, 40))),
                ((base << 8 | log(abs(a))) << 8 | log(abs(w))) << 4 | min(count, 15),
                ((base << 8 | q_light) << 8 | signed(tw)) << 4 | min(q_near, 15),
                (base << 8 | clip(west, 3) + 4) << 8 | clip(north, 3) + 4,
                (base << 8 | log_step[k]) << 8 | hidden,
                ((base << 8 | log(c_a)) << 8 | log(c_r)) << 8 | q_local,
                ((base << 8 | far) << 8 | q_near) << 8 | min(count, 15),
                (((49 - j) << 8 | count) << 8 | q_local) << 8 | plane,
                ((base << 8 | clip(previous, 7) + 8) << 8 | clip(previous_2, 7) + 8) << 8 | min(count, 31),
                (base << 8 | signed(clip(a, 20))) << 8 | signed(clip(w, 20)),
                ((log(energy) << 8 | q_near) << 8 | quality) << 8 | base,
            )  # fmt: skip
            if warped:
                guess = np.int64(preds[0, at + k])
                other = np.int64(preds[1, at + k])
                wrong = log(error_beside(view, hood, k))
                work[to + ROW_2] = rel * 8 + min(log(abs(guess)), 7)
                work[to + APM_ROW] = min(log(abs(guess)), 15)
                set_warp_contexts(
                    work, to, INNER_AC,
                    (fine(guess) << 8 | base) << 8 | rel,
                    ((fine(guess) << 8 | q_near) << 8 | rel) << 8 | min(count, 7),
                    ((signed(guess) << 8 | signed(other)) << 8 | zone) << 8 | rel,
                    ((fine(guess) << 8 | wrong) << 8 | rel) << 8 | min(q_local, 3),
                    ((signed(guess) << 8 | log(error)) << 8 | count) << 8 | rel,
                    ((fine((guess + other) >> 1) << 8 | base) << 8 | min(wrong, 5)),
                )  # fmt: skip
            announce_value(coder, to)
        if not known:
            k = INNER[i]
            value = code_value(coder, np.int64(here[k]), count_before > 49 - i - 1)
            if value != supposed:
                block[k] = value
                previous = value
                sums[k >> 3] += value * table[k]
                sums[8 + (k & 7)] += value * table[k]
                energy += abs(value)
                count -= 1
                if warped:
                    error = error_before + (abs(8 * value - np.int64(preds[0, at + k])) >> 2)
                known = True
                continue
        if count == 0 or j == 49:
            return energy, error
        advance(work, inputs, to)
        i, count_before, known = j, count, False
        k = INNER[i]
        supposed = np.int64(here[k]) if coder.encode else np.int64(0)
        block[k] = supposed
        previous_2, previous = previous, supposed
        error_before = error
        if supposed != 0:
            sums[k >> 3] += supposed * table[k]
            sums[8 + (k & 7)] += supposed * table[k]
            energy += abs(supposed)
            count -= 1
        if warped:
            error += abs(8 * supposed - np.int64(preds[0, at + k])) >> 2
