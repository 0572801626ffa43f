# mypy: allow-untyped-defs, no-check-untyped-defs
"""The DC coefficient of a block, as the difference to what the samples along its border say, compiled.

D. R. Horn et al., "The design, implementation and deployment of Lepton", NSDI 2017, section A.2.3.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from geo3d_compression.jpeg.basis import BASIS
from geo3d_compression.jpeg.classes import clip, divide, log, signed
from geo3d_compression.jpeg.contexts import DC, set_contexts, set_warp_contexts
from geo3d_compression.jpeg.step import advance, announce_value, code_value
from geo3d_compression.jpeg.work import APM_ROW, CLASS, NEXT, ROW_0, ROW_1, ROW_2


@njit(cache=True, nogil=True, _nrt=False)
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


@njit(cache=True, nogil=True, _nrt=False)
def announce_dc(coder, view, hood, total, energy, error, rests, dc_rest, pixels, scratch):
    """Set up DC and leave the block's samples (* 8, without DC) in `pixels`; returns what DC is expected to be.

    rests, dc_rest   [2] what the blocks to the left and above differed by from their centre and from their prediction
    """
    p = view.number
    n_light, twin, log_step = hood.n_light, hood.twin, view.log_step
    rest_left, warp_rest_left = rests[0], rests[1]
    plane, quality, table, warped, preds = view.kind, view.quality, view.table, view.warped, view.preds
    at, rel = hood.at, hood.reliability
    has_left, has_above, block = hood.has_left, hood.has_above, hood.block
    beside, below, light = hood.beside, hood.below, hood.light
    work, inputs, side_rows, to = coder.work, coder.inputs, view.side_rows, NEXT
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
            e = below[8 + t] + (below[8 + t] - below[16 + t]) // 2 - pixels[t]
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
    spatial_8 = clip(divide(8 * spatial, step), 1 << 19)
    center_8 = spatial_8
    apart = np.int64(0)
    if warped and rel > 0:
        guess = np.int64(preds[0, at])
        drift = np.int64(0)
        if has_left and has_above:
            drift = (warp_rest_left + dc_rest[1]) >> 1
        elif has_left:
            drift = warp_rest_left
        elif has_above:
            drift = dc_rest[1]
        center_8 = guess + (drift >> 1)
        apart = spatial_8 - center_8
    center = (center_8 + 4) >> 3
    part = center_8 + 4 - (center << 3)
    q_spread = min(log(divide(spread, 2 * step)), 24)
    slant = signed(clip(divide(sum_l - sum_a, 4 * step), 200)) if has_left and has_above else np.int64(0)
    rest_above = dc_rest[0]
    rest_twin = np.int64(0)
    if twin:
        rest_twin = np.int64(light[0])
    work[to + CLASS] = DC + side_rows
    work[to + ROW_0] = min(q_spread, 15) * 4 + rel if warped else min(q_spread, 31) * 2 + plane
    work[to + ROW_1] = min(log(abs(rest_left) + abs(rest_above)), 7) * 8 + quality
    work[to + ROW_2] = part * 4 + rel
    work[to + APM_ROW] = min(q_spread, 15)
    set_contexts(
        work, inputs, to, DC,
        q_spread << 8 | p, (q_spread << 8 | slant) << 8 | plane,
        (signed(clip(rest_left, 60)) << 8 | signed(clip(rest_above, 60))) << 8 | plane,
        (part << 8 | q_spread) << 8 | plane, (total << 8 | q_spread) << 8 | plane,
        ((log(energy) << 8 | q_spread) << 8 | plane) << 8 | part // 2,
        (quality << 8 | q_spread) << 8 | plane,
        (log(abs(rest_left) + abs(rest_above)) << 8 | q_spread) << 8 | plane,
        log(divide(spread_l, step)) << 16 | log(divide(spread_a, step)) << 8 | plane,
        (log(rest_twin) << 8 | q_spread) << 8 | p,
        slant << 16 | part << 8 | plane, (n_light << 8 | q_spread) << 8 | p,
        (signed(clip(rest_left + rest_above, 60)) << 8 | slant) << 8 | plane,
        (log_step[0] << 8 | q_spread) << 8 | part // 2,
    )  # fmt: skip
    if warped:
        near = signed(clip(apart, 400))
        other = signed(clip(np.int64(preds[1, at]) - center_8, 400))
        drift_l, drift_a = warp_rest_left, dc_rest[1]
        set_warp_contexts(
            work, to, DC, (near << 8 | rel) << 8 | q_spread, (other << 8 | rel) << 8 | part,
            ((signed(clip(drift_l, 200)) << 8 | signed(clip(drift_a, 200))) << 8 | rel) << 8 | plane,
            ((near << 8 | other) << 8 | rel) << 8 | plane, (log(error) << 8 | rel) << 8 | part // 2,
            ((log(abs(rest_left)) << 8 | log(abs(rest_above))) << 8 | rel) << 8 | log(error),
        )  # fmt: skip
    announce_value(coder, to)
    return center


@njit(cache=True, nogil=True, _nrt=False)
def code_dc(coder, view, hood, center, rests, dc_rest):
    """Code the DC that was set up into `hood.block`; `rests`, `dc_rest`: see `announce_dc`."""
    advance(coder.work, coder.inputs, NEXT)
    rest = code_value(coder, clip(np.int64(hood.here[0]) - center, 131071), False)
    dc = clip(center + rest, 32767)
    hood.block[0] = dc
    rests[0] = rest
    dc_rest[0] = rest
    rests[1] = 8 * dc - np.int64(view.preds[0, hood.at]) if view.warped and hood.reliability > 0 else np.int64(0)
    dc_rest[1] = rests[1]
