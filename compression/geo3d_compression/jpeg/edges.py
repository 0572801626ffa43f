# mypy: allow-untyped-defs, no-check-untyped-defs
"""The first column and the first row of a block, predicted from continuity across the block border, compiled.

D. R. Horn et al., "The design, implementation and deployment of Lepton", NSDI 2017, section A.2.2.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from geo3d_compression.jpeg.around import error_beside, twin_value
from geo3d_compression.jpeg.classes import LOG, clip, divide, fine, log, signed
from geo3d_compression.jpeg.contexts import COUNT, EDGE, set_contexts, set_warp_contexts
from geo3d_compression.jpeg.step import advance, announce_count, announce_value, code_count, code_value
from geo3d_compression.jpeg.work import APM_ROW, CLASS, NEXT, ROW_0, ROW_1, ROW_2, SIDE

_ROOT = 11585


@njit(cache=True, nogil=True, _nrt=False)
def _announce_edge_count(coder, view, hood, total, energy, error, side, to):
    """Set up how many coefficients of an edge are not zero."""
    plane, quality, warped, preds = view.kind, view.quality, view.warped, view.preds
    at, left, above, right, rel = hood.at, hood.left, hood.above, hood.right, hood.reliability
    block, light, n_light, n_twin = hood.block, hood.light, hood.n_light, hood.n_twin
    work, inputs, side_rows = coder.work, coder.inputs, view.side_rows
    stride = 8 if side == 0 else 1
    beside_count, above_count, row_count, n_warp = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    for t in range(1, 8):
        k = t * stride
        beside_count += left[k] != 0
        above_count += above[k] != 0
        row_count += block[k + (1 if side == 0 else 8)] != 0
        if warped:
            n_warp += abs(np.int64(preds[0, at + k])) >= 5
    kind = side << 1 | plane
    work[to + CLASS] = COUNT + side_rows
    work[to + ROW_0] = (beside_count + above_count) * 4 + kind
    work[to + ROW_1] = row_count * 8 + quality
    work[to + ROW_2] = rel * 8 + n_warp if warped else LOG[total]
    work[to + APM_ROW] = row_count
    tag = (kind + 8) << 40
    set_contexts(
        work, inputs, to, COUNT,
        tag | beside_count << 8 | above_count, tag | row_count << 8 | (beside_count + above_count),
        tag | total << 8 | row_count, tag | total << 8 | quality,
        tag | beside_count << 8 | row_count, tag | above_count << 8 | row_count,
        tag | (beside_count << 8 | above_count) << 8 | row_count, tag | quality << 8 | row_count,
        tag | n_light << 8 | n_twin, tag | log(light[stride]) << 8 | log(light[2 * stride]),
        tag | (log(abs(np.int64(left[stride]))) << 8 | log(abs(np.int64(above[stride])))),
        tag | (np.int64(right[stride] != 0) + np.int64(right[2 * stride] != 0)) << 8 | above_count,
        tag | n_light << 8 | row_count, tag | log(energy) << 8 | row_count,
    )  # fmt: skip
    if warped:
        set_warp_contexts(
            work, to, COUNT, tag | n_warp << 8 | rel, tag | n_warp << 8 | rel << 4 | row_count << 16,
            tag | n_warp << 8 | (beside_count + above_count) << 16 | rel, tag | n_warp << 8 | total << 16,
            tag | log(error) << 8 | n_warp << 16 | rel, tag | n_warp << 8 | n_twin << 16 | rel,
        )  # fmt: skip
    announce_count(coder, to, 0)


@njit(cache=True, nogil=True, _nrt=False)
def code_edges(coder, view, hood, total, energy, error):
    """Code both edges into `hood.block`; `total`: inner coefficients.  `energy` and `error`, with theirs."""
    plane, quality, table, warped, preds = view.kind, view.quality, view.table, view.warped, view.preds
    at, here, left, above, rel = hood.at, hood.here, hood.left, hood.above, hood.reliability
    has_left, has_above, block = hood.has_left, hood.has_above, hood.block
    beside, below, light, sums = hood.beside, hood.below, hood.light, hood.sums
    work, inputs, side_rows, to = coder.work, coder.inputs, view.side_rows, NEXT
    corner, right, left_2, above_2 = hood.corner, hood.right, hood.left_2, hood.above_2
    log_step = view.log_step
    # The quick model does not ask what the first edge adds: it can set up the count of the second before.
    early = inputs.ndim == 2
    _announce_edge_count(coder, view, hood, total, energy, error, 0, SIDE)
    for side in range(2):
        stride = 8 if side == 0 else 1
        count = np.int64(0)
        if coder.encode:
            for t in range(1, 8):
                count += here[t * stride] != 0
        if side == 1 and not early:
            _announce_edge_count(coder, view, hood, total, energy, error, 1, SIDE)
        advance(work, inputs, SIDE)
        if side == 0 and early:
            _announce_edge_count(coder, view, hood, total, energy, error, 1, SIDE)
        count = code_count(coder, count, 3)
        on_edge = count
        if count == 0:
            continue
        # One ahead, as in `code_inner`.
        t, count_before, supposed, known = np.int64(0), count, np.int64(0), True
        error_before = error
        while True:
            j = t + 1
            if count > 0 and j < 8:
                k = j * stride
                inner = 1 if side == 0 else 8
                step = table[k]
                inside = sums[j] if side == 0 else sums[8 + j]
                if side == 0:
                    border = beside[j] if has_left else inside
                else:
                    border = below[j] if has_above else inside
                # In eighths of a step.
                forecast = clip(divide((border - inside) * _ROOT >> 10, step), 1 << 19)
                a, w = np.int64(above[k]), np.int64(left[k])
                across, along = (w, a) if side == 0 else (a, w)
                near = 2 * (abs(a) + abs(w)) + abs(np.int64(corner[k])) + abs(np.int64(right[k]))
                q_near = log(near)
                one, two = block[k + inner], block[k + 2 * inner]
                before = block[k - stride] if j > 1 else np.int64(0)
                before_2 = block[k - 2 * stride] if j > 2 else np.int64(0)
                local = 2 * abs(one) + abs(two) + abs(before)
                tw = twin_value(view, hood, k)
                guess_class = fine(forecast)
                onward = signed(clip(forecast >> 1, 100))
                far = log(abs(np.int64(left_2[k]))) << 8 | log(abs(np.int64(above_2[k])))
                base = (j << 1 | side) << 1 | plane
                work[to + CLASS] = EDGE + side_rows
                work[to + ROW_0] = base
                work[to + ROW_1] = min(log(abs(forecast)), 15) * 4 + min(count, 3)
                work[to + ROW_2] = plane * 16 + min(q_near, 7) * 2 + (quality > 3)
                work[to + APM_ROW] = min(log(abs(forecast)), 15)
                set_contexts(
                    work, inputs, to, EDGE,
                    (base << 8 | guess_class) << 8 | count,
                    ((base << 8 | count) << 8 | q_near) << 8 | min(total, 8),
                    ((guess_class << 8 | q_near) << 8 | side << 1 | plane) << 8 | min(log(local), 7),
                    (base << 8 | signed(clip(along, 30))) << 8 | onward,
                    ((base << 8 | log(abs(a))) << 8 | log(abs(w))) << 8 | count,
                    ((base << 8 | log(light[k])) << 8 | signed(tw)) << 4 | min(log(abs(forecast)), 15),
                    ((base << 8 | clip(one, 7) + 8) << 8 | clip(two, 7) + 8) << 8 | guess_class // 2,
                    (base << 8 | log_step[k]) << 8 | log(near * step // 4),
                    ((guess_class << 8 | log_step[k]) << 8) | base,
                    ((base << 8 | on_edge) << 8 | log(abs(forecast))) << 8 | total,
                    (base << 8 | signed(clip(a, 30))) << 8 | signed(clip(w, 30)),
                    ((base << 8 | clip(before, 15) + 16) << 8 | clip(before_2, 15) + 16) << 8 | count,
                    base << 24 | far << 8 | q_near,
                    ((base << 8 | log(energy)) << 8 | quality) << 8 | log(abs(across)),
                )  # fmt: skip
                if warped:
                    guess = np.int64(preds[0, at + k])
                    other = np.int64(preds[1, at + k])
                    wrong = log(error_beside(view, hood, k))
                    work[to + ROW_2] = rel * 8 + min(log(abs(guess)), 7)
                    set_warp_contexts(
                        work, to, EDGE,
                        (fine(guess) << 8 | base) << 8 | rel,
                        ((fine(guess) << 8 | q_near) << 8 | rel) << 8 | min(count, 7),
                        ((signed(guess) << 8 | signed(other)) << 8 | j) << 8 | rel,
                        ((fine(guess) << 8 | wrong) << 8 | rel) << 8 | base,
                        ((signed(guess) << 8 | log(error)) << 8 | count) << 8 | rel,
                        fine((guess + other) >> 1) << 16 | onward << 8 | plane << 4 | rel,
                    )  # fmt: skip
                announce_value(coder, to)
            if not known:
                k = t * stride
                value = code_value(coder, np.int64(here[k]), count_before > 7 - t)
                if value != supposed:
                    block[k] = value
                    energy += abs(value)
                    count -= 1
                    if warped:
                        error = error_before + (abs(8 * value - np.int64(preds[0, at + k])) >> 2)
                    known = True
                    continue
            if count == 0 or j == 8:
                break
            advance(work, inputs, to)
            t, count_before, known = j, count, False
            k = t * stride
            supposed = np.int64(here[k]) if coder.encode else np.int64(0)
            block[k] = supposed
            error_before = error
            if supposed != 0:
                energy += abs(supposed)
                count -= 1
            if warped:
                error += abs(8 * supposed - np.int64(preds[0, at + k])) >> 2
    return energy, error
