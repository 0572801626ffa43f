# mypy: allow-untyped-defs, no-check-untyped-defs
"""The voxel loop: predict by recursive least squares, blend by local error, code the value, learn from it.

One compiled loop is the encoder and the decoder, so they cannot drift apart.  For each voxel in raster order:

    neighbours in this slice and the two before  ->  K least-squares predictions and a median edge
    ->  blend by inverse local squared error     ->  scale by context  ->  `code_rank`  ->  updates

Where four neighbours agree (background, padding, clipped values) one adaptive decision says "the same again".  Bricks
whose value is known beforehand are only filled in, and values that very many voxels have may be coded before the rest
(`spikes`).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d_compression.entropy.coder import code_bit
from geo3d_compression.entropy.models import counter_update
from geo3d_compression.volume.borders import begin_row, begin_slice, end_row, end_slice
from geo3d_compression.volume.density import MAX_DECISIONS, SELECTIONS, code_rank
from geo3d_compression.volume.model import DELTA, LEVELS
from geo3d_compression.volume.neighbours import PAD
from geo3d_compression.volume.predictors import blend, predict
from geo3d_compression.volume.prior.expert import ask, learn, trace
from geo3d_compression.volume.prior.features import note, note_repeat
from geo3d_compression.volume.prior.state import MEAN_DISTANCE, update_state
from geo3d_compression.volume.rls import rls_update
from geo3d_compression.volume.spikes import PLACES, class_of, code_class
from geo3d_compression.volume.values import rank_near, value_of

# Bricks that are known beforehand have sides of 2^BRICK_BITS voxels.
BRICK_BITS = 3
NOTHING_KNOWN: NDArray[np.int64] = np.zeros((0, 0), np.int64)

_RATE = 0.01
_SCALE_MEMORY = 150.0
_FLOOR = 0.02

# Bytes that one voxel can take at most: every decision costs under 12 bits (probabilities are at least 24 / 65536).
MAX_BYTES = (MAX_DECISIONS * 12 + 24) // 8


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _level(value, learned):
    """Half-octave of a positive double, from its exponent and highest fraction bit."""
    learned.real[0] = value + _FLOOR
    return min(max((learned.bits[0] >> 51) - (1023 - 6) * 2, 0), LEVELS - 1)


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _step(difference, unit):
    """A difference in units of the scale as a digit 0 ... 16."""
    v = difference * unit + 8.5
    if not (v > 0.0):
        return 0
    return np.int64(v) if v < 16.0 else 16


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def _flat_context(c, stride, index, activity, now, before):
    """How many of eleven further neighbours repeat the value, and how quiet it was: 0 ... 299."""
    v = now[c - 1]
    same = 0
    if index > 0:
        same += 7 if before[c] == v else 0
        same += 1 if before[c + 1] == v else 0
        same += 1 if before[c + stride] == v else 0
        same += 1 if before[c + stride + 1] == v else 0
        same += 1 if before[c + stride - 1] == v else 0
    wide = 0
    wide += 1 if now[c - 2] == v else 0
    wide += 1 if now[c - 2 * stride] == v else 0
    wide += 1 if now[c - stride + 2] == v else 0
    wide += 1 if now[c - 3] == v else 0
    quiet = 0
    quiet += 1 if activity > 0.0 else 0
    quiet += 1 if activity > 1.0 else 0
    quiet += 1 if activity > 4.0 else 0
    quiet += 1 if activity > 16.0 else 0
    return (same * 5 + wide) * 5 + quiet


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def _repeat(value, c, index, planes):
    """A voxel that was no surprise at all."""
    planes.values[index % 3, c] = value
    planes.error[index % 2, c] = 0.0
    for k in range(planes.squared.shape[0]):
        planes.squared[k, index % 2, c] = 0.0


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def code_slice(index, ranks, known, alphabet, model, state, buffer, encode):
    """Encode or decode slice number `index` of its group; `ranks` int64 [H, W] is read or filled.

    `known` int64 [H / 8, W / 8] (or `NOTHING_KNOWN`): the rank of all voxels of a brick that need no coding, or -1.
    """
    height, width = ranks.shape
    stride = width + 2 * PAD
    planes, experts, mixture, learned = model.planes, model.experts, model.mixture, model.learned
    lowest, highest = value_of(alphabet, 0), value_of(alphabet, alphabet.size - 1)
    begin_slice(index, width, height, value_of(alphabet, alphabet.size >> 1), planes)
    now, before, older = planes.values[index % 3], planes.values[(index + 2) % 3], planes.values[(index + 1) % 3]
    for k in range(experts.counts.size):
        for i in range(experts.counts[k]):
            back = (index + 3 - experts.back[k, i]) % 3
            experts.place[k, i] = back * planes.values.shape[1] + experts.distance[k, i]
    error, error_before = planes.error[index % 2], planes.error[(index + 1) % 2]
    K = experts.counts.size
    mean = mixture.mean
    spikes = model.spikes
    to_place = PLACES / max(highest - lowest, 1.0)
    told, asked = model.prior.x.size > 0, model.prior.h2.size > 0
    online = mean.size - asked
    if asked:
        update_state(index, model)
    for y in range(height):
        start = (y + PAD) * stride + PAD
        begin_row(start, stride, index, planes)
        for x in range(width):
            c = start + x
            W, N, NW, NE = now[c - 1], now[c - stride], now[c - stride - 1], now[c - stride + 1]
            rank = ranks[y, x]
            if known.size and known[y >> BRICK_BITS, x >> BRICK_BITS] >= 0:
                rank = known[y >> BRICK_BITS, x >> BRICK_BITS]
                ranks[y, x] = rank
                value = value_of(alphabet, rank)
                kind = class_of(spikes, rank)
                if kind > 0:
                    spikes.classes[index % 3, c] = kind
                    if 0 < rank < alphabet.size - 1:
                        value = 0.5 * (W + N)
                _repeat(value, c, index, planes)
                continue
            near = (error[c - 1] + error[c - stride]) * 2.0 + error[c - stride - 1] + error[c - stride + 1]
            near += error[c - 2] + error[c - 2 * stride]
            behind = error_before[c] * 2.0 + error_before[c + 1] + error_before[c - 1]
            behind += error_before[c + stride] + error_before[c - stride]
            if spikes.ranks.size == 0 and W == N and N == NW and NW == NE:
                same = _flat_context(c, stride, index, near + behind, now, before)
                p16 = min(max(np.int64(learned.same[same] >> 16), 1), 65535)
                bit = 1 if encode and value_of(alphabet, rank) == W else 0
                bit = code_bit(state, buffer, p16, bit, encode)
                learned.same[same] = counter_update(learned.same[same], bit, 1000)
                if bit:
                    ranks[y, x] = rank_near(alphabet, W)
                    _repeat(W, c, index, planes)
                    if told:
                        note_repeat(c, index, model)
                    continue
            P = before[c]
            reference = (W + N + P) * (1.0 / 3.0) if index > 0 else (W + N) * 0.5
            predict(c, reference, index, model, now, before, lowest, highest)
            top, bottom = max(W, N), min(W, N)
            mean[K] = min(max(W + N - NW, bottom), top)
            m = blend(c, stride, index, planes.squared, mean)
            for k in range(K + 1, mean.size):
                mean[k] = m
            if spikes.ranks.size > 0:
                place = min(max(np.int64((m - lowest) * to_place), 0), PLACES - 1)
                kind = class_of(spikes, rank) if encode else 0
                kind = code_class(kind, spikes, c, stride, index, place, state, buffer, encode)
                spikes.classes[index % 3, c] = kind
                if kind > 0:
                    rank = spikes.ranks[kind - 1]
                    ranks[y, x] = rank
                    _repeat(m if 0 < rank < alphabet.size - 1 else value_of(alphabet, rank), c, index, planes)
                    error[c] = 0.5 * (error[c - 1] + error[c - stride])
                    continue
            q = _level(near + 0.4 * behind, learned)
            texture = abs(W - NW) + abs(N - NW) + abs(N - NE)
            if index > 0:
                texture += abs(P - m)
            r = _level(texture, learned)
            by_error = q * 4 + min(max(((r - q + 1) >> 1) + 1, 0), 3)
            by_texture = r * 4 + min(max(((q - r) >> 1) + 3, 0), 3)
            v = _level(m - lowest, learned)
            by_value = v * 4 + min(max((v - q) >> 1, 0), 3)
            for k in range(online):
                s = learned.scale[k, by_value if k == K + 3 else by_texture if k == K + 2 else by_error]
                mixture.inverse[k] = MEAN_DISTANCE / (s + _FLOOR)
            scale = (learned.scale[K + 1, by_error] + _FLOOR) * 0.7213475204444817
            unit = 1.0 / scale
            select_a, select_b = min(q >> 2, SELECTIONS - 1), min(r // 3, SELECTIONS - 1)
            if told:
                levels = model.prior.levels
                levels[0], levels[1], levels[2] = near + _FLOOR, behind + _FLOOR, texture + _FLOOR
                levels[3] = learned.scale[K + 2, by_texture] + _FLOOR
                levels[4] = learned.scale[K + 3, by_value] + _FLOOR
                levels[5] = learned.scale[0, by_error] + _FLOOR
                levels[6] = m - lowest + 1.0
                octaves = ask(y, x, c, stride, index, m, scale, by_error, lowest, highest, model, now, before, older)
                select_b = min(max((octaves + 64) >> 3, 0), SELECTIONS - 1)
                if model.prior.trace.size:
                    trace(y, x, value_of(alphabet, rank), m, scale, model.prior)
            mixture.keys[0] = _step(W - m, unit) * 17 + _step(N - m, unit)
            mixture.keys[1] = _step(P - m, unit) * 17 + _step(mean[0] - m, 4.0 * unit)
            mixture.keys[2] = by_error
            mixture.keys[3] = _step(NE - m, unit) * 17 + _step(before[c + 1] + before[c + stride] - P - m, unit)
            mixture.keys[4] = (
                _step(2.0 * W - now[c - 2] - m, 0.5 * unit) * 17
                + _step(2.0 * N - now[c - 2 * stride] - m, 0.5 * unit)
            )  # fmt: skip
            rank = code_rank(
                rank, alphabet, mixture, m, scale, select_a, select_b, _RATE, state, buffer, encode
            )  # fmt: skip
            ranks[y, x] = rank
            value = value_of(alphabet, rank)
            now[c] = value
            error[c] = abs(value - m)
            if told:
                note(c, index, value, m, scale, model)
            for k in range(online):
                context = by_value if k == K + 3 else by_texture if k == K + 2 else by_error
                seen = learned.seen[k, context]
                if seen < _SCALE_MEMORY:
                    learned.seen[k, context] = seen + 1.0
                learned.scale[k, context] += (abs(value - mean[k]) - learned.scale[k, context]) / (seen + 1.5)
            if asked:
                learn(value, by_error, model)
            noise = (scale + 0.3) * (scale + 0.3)
            for k in range(K):
                e = value - mean[k]
                planes.squared[k, index % 2, c] = e * e
                rls_update(
                    experts.P[k], experts.w[k], experts.x[k], experts.u, experts.h[k], experts.grow, k,
                    experts.counts[k], e, experts.forget[k], noise, DELTA,
                )  # fmt: skip
            planes.squared[K, index % 2, c] = (value - mean[K]) * (value - mean[K])
        end_row(start + width, index, planes)
    end_slice(index, width, height, planes)
