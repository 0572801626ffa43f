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

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d_compression.entropy.coder import code_bit
from geo3d_compression.entropy.models import counter_update
from geo3d_compression.volume.density import MAX_DECISIONS, SELECTIONS, Mixture, code_rank, new_mixture
from geo3d_compression.volume.neighbours import PAD, linear_offsets
from geo3d_compression.volume.prior.expert import ask, learn, trace
from geo3d_compression.volume.prior.features import note, note_repeat, voxel_inputs
from geo3d_compression.volume.prior.state import MEAN_DISTANCE, Prior, Weights, new_prior, no_weights, update_state
from geo3d_compression.volume.profiles import Settings
from geo3d_compression.volume.rls import dot4, rls_reset, rls_update
from geo3d_compression.volume.spikes import PLACES, Spikes, class_of, code_class, new_spikes
from geo3d_compression.volume.values import rank_near, value_of

# Bricks that are known beforehand have sides of 2^BRICK_BITS voxels.
BRICK_BITS = 3
NO_SPIKES: NDArray[np.int64] = np.zeros(0, np.int64)
NOTHING_KNOWN: NDArray[np.int64] = np.zeros((0, 0), np.int64)

_LEVELS = 80
_RATE = 0.01
_SCALE_MEMORY = 150.0
_DELTA = 1.0
_FLOOR = 0.02

# Bytes that one voxel can take at most: every decision costs under 12 bits (probabilities are at least 24 / 65536).
MAX_BYTES = (MAX_DECISIONS * 12 + 24) // 8


class Planes(NamedTuple):
    """Padded slices, flattened: three of values, two of the blend's absolute error, two of each squared error."""

    values: Any  # [3, plane]
    error: Any  # [2, plane]
    squared: Any  # [K + 1, 2, plane]


class Experts(NamedTuple):
    """The least-squares predictors."""

    counts: Any  # [K]
    back: Any  # [K, N]
    distance: Any  # [K, N]
    place: Any  # [K, N] back and distance in `Planes.values` as one array, for the slice at hand
    forget: Any  # [K]
    P: Any  # [K, N, N]
    w: Any  # [K, N]
    x: Any  # [K, N]
    u: Any  # [N]


class Learned(NamedTuple):
    """Adaptive tables of the loop."""

    scale: Any  # [M, levels * 4] mean absolute error of each of the mixture's M experts by context
    seen: Any  # [M, levels * 4] how many it is the mean of
    same: Any  # [512] counters: are flat surroundings continued?
    real: Any  # [1] scratch: a double ...
    bits: Any  # [1] ... and the same eight bytes as an integer, to read its exponent


class Model(NamedTuple):
    """Everything that coding a group of slices keeps between voxels."""

    planes: Planes
    experts: Experts
    mixture: Mixture
    learned: Learned
    spikes: Spikes
    prior: Prior


def new_model(
    height: int,
    width: int,
    settings: Settings,
    spikes: NDArray[np.int64] = NO_SPIKES,
    weights: Weights | None = None,
    trace: bool = False,
) -> Model:
    """A model that has seen nothing, for slices of `height` x `width`.

    spikes : ranks that are coded apart
    weights : of the learned prior; `trace`: keep what it would be told, for training
    """
    stride = width + 2 * PAD
    plane = stride * (height + 2 * PAD)
    counts, back, distance = linear_offsets(settings.neighbourhoods, stride)
    K, N = back.shape
    experts = Experts(
        counts, back, distance, np.zeros_like(back), np.array(settings.forget), np.zeros((K, N, N)), np.zeros((K, N)),
        np.zeros((K, N)), np.zeros(N),
    )  # fmt: skip
    for k in range(K):
        rls_reset(experts.P[k], experts.w[k], int(counts[k]), _DELTA)
    # The least-squares predictors, the median edge, the blend with its scale from two or three contexts, the prior.
    mixed = K + 3 + settings.scale_by_value + (weights is not None)
    start = np.array([_level_value(level) for level in range(_LEVELS) for _ in range(4)])
    real = np.zeros(1)
    learned = Learned(
        np.tile(start, (mixed, 1)),
        np.zeros((mixed, 4 * _LEVELS)),
        np.full(512, 1 << 31, np.uint32),
        real,
        real.view(np.int64),
    )
    planes = Planes(np.zeros((3, plane)), np.zeros((2, plane)), np.zeros((K + 1, 2, plane)))
    told = voxel_inputs(K + 1) if trace or weights is not None else 0
    prior = new_prior(height, width, told, weights or no_weights(), 4 * _LEVELS, trace)
    return Model(planes, experts, new_mixture(mixed), learned, new_spikes(spikes, plane), prior)


def _level_value(level: int) -> float:
    """Where the scale of an activity level starts: half-octaves from 1/16."""
    return (2 ** (level // 2)) / 16 * (1.4142135623730951 if level % 2 else 1.0)


@njit(cache=True, nogil=True, inline="always")
def _level(value, learned):
    """Half-octave of a positive double, from its exponent and highest fraction bit."""
    learned.real[0] = value + _FLOOR
    return min(max((learned.bits[0] >> 51) - (1023 - 6) * 2, 0), _LEVELS - 1)


@njit(cache=True, nogil=True, inline="always")
def _step(difference, unit):
    """A difference in units of the scale as a digit 0 ... 16."""
    v = difference * unit + 8.5
    if not (v > 0.0):
        return 0
    return np.int64(v) if v < 16.0 else 16


@njit(cache=True, nogil=True, error_model="numpy")
def _begin_slice(index, width, height, middle, planes):
    """Fill the padding above the first row from the slice before, and everything before the first slice."""
    values, error = planes.values, planes.error
    stride = width + 2 * PAD
    if index == 0:
        for i in range(values.shape[1]):
            values[0, i] = middle
            values[1, i] = middle
            values[2, i] = middle
    now, before = index % 3, (index + 2) % 3
    for y in range(PAD):
        for i in range(stride):
            values[now, y * stride + i] = values[before, PAD * stride + i]
            error[index % 2, y * stride + i] = error[(index + 1) % 2, PAD * stride + i]


@njit(cache=True, nogil=True, error_model="numpy")
def _end_slice(index, width, height, planes):
    """Repeat the border outwards for the slice that comes next."""
    stride = width + 2 * PAD
    values, error = planes.values[index % 3], planes.error[index % 2]
    for y in range(height):
        start = (y + PAD) * stride + PAD
        for i in range(PAD):
            values[start - 1 - i] = values[start]
    last = (height + PAD - 1) * stride
    for y in range(1, PAD + 1):
        for i in range(stride):
            values[last + y * stride + i] = values[last + i]
            error[last + y * stride + i] = error[last + i]


@njit(cache=True, nogil=True, error_model="numpy")
def _begin_row(start, stride, index, planes):
    """Left padding repeats the voxel above the row's first."""
    values, error = planes.values[index % 3], planes.error[index % 2]
    for i in range(PAD):
        values[start - 1 - i] = values[start - stride]
        error[start - 1 - i] = error[start - stride]


@njit(cache=True, nogil=True, error_model="numpy")
def _end_row(end, index, planes):
    """Right padding repeats the row's last voxel."""
    values, error = planes.values[index % 3], planes.error[index % 2]
    for i in range(PAD):
        values[end + i] = values[end - 1]
        error[end + i] = error[end - 1]
        for k in range(planes.squared.shape[0]):
            planes.squared[k, index % 2, end + i] = planes.squared[k, index % 2, end - 1]


@njit(cache=True, nogil=True, error_model="numpy")
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


@njit(cache=True, nogil=True, error_model="numpy")
def _predict(c, reference, index, model, flat, now, before, lowest, highest):
    """Every predictor's value into `mixture.mean`; a predictor that went astray starts again."""
    experts, mean = model.experts, model.mixture.mean
    for k in range(experts.counts.size):
        x = experts.x[k]
        count = experts.counts[k]
        if index > 1:
            place = experts.place[k]
            for i in range(count):
                x[i] = flat[c + place[i]] - reference
        else:
            for i in range(count):
                back, o = experts.back[k, i], c + experts.distance[k, i]
                if back == 0:
                    x[i] = now[o] - reference
                elif back == 1:
                    x[i] = before[o] - reference if index > 0 else 0.0
                else:
                    x[i] = 0.0
        p = reference + dot4(experts.w[k], x, count)
        if not (-1e15 < p < 1e15):
            rls_reset(experts.P[k], experts.w[k], count, _DELTA)
            p = reference
        mean[k] = min(max(p, lowest), highest)


@njit(cache=True, nogil=True, error_model="numpy")
def _blend(c, stride, index, squared, mean):
    """Mean of the first predictors weighted by the inverse square of their squared errors nearby."""
    total, weighted = 0.0, 0.0
    for k in range(squared.shape[0]):
        e, f = squared[k, index % 2], squared[k, (index + 1) % 2]
        s = e[c - 1] + e[c - stride]
        s += 0.5 * (e[c - stride - 1] + e[c - stride + 1] + e[c - 2] + e[c - 2 * stride]) + 0.5 * f[c]
        s += 0.25 * (f[c + 1] + f[c + stride] + f[c - 1] + f[c - stride]) + 1.0
        b = 1.0 / s
        b = b * b
        total += b
        weighted += b * mean[k]
    return weighted / total


@njit(cache=True, nogil=True, error_model="numpy")
def _repeat(value, c, index, planes):
    """A voxel that was no surprise at all."""
    planes.values[index % 3, c] = value
    planes.error[index % 2, c] = 0.0
    for k in range(planes.squared.shape[0]):
        planes.squared[k, index % 2, c] = 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def code_slice(index, ranks, known, alphabet, model, state, buffer, encode):
    """Encode or decode slice number `index` of its group; `ranks` int64 [H, W] is read or filled.

    `known` int64 [H / 8, W / 8] (or `NOTHING_KNOWN`): the rank of all voxels of a brick that need no coding, or -1.
    """
    height, width = ranks.shape
    stride = width + 2 * PAD
    planes, experts, mixture, learned = model.planes, model.experts, model.mixture, model.learned
    lowest, highest = value_of(alphabet, 0), value_of(alphabet, alphabet.size - 1)
    _begin_slice(index, width, height, value_of(alphabet, alphabet.size >> 1), planes)
    now, before, older = planes.values[index % 3], planes.values[(index + 2) % 3], planes.values[(index + 1) % 3]
    flat = planes.values.reshape(-1)
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
        _begin_row(start, stride, index, planes)
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
            _predict(c, reference, index, model, flat, now, before, lowest, highest)
            top, bottom = max(W, N), min(W, N)
            mean[K] = min(max(W + N - NW, bottom), top)
            m = _blend(c, stride, index, planes.squared, mean)
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
                    experts.P[k], experts.w[k], experts.x[k], experts.u, experts.counts[k], e, experts.forget[k],
                    noise, _DELTA,
                )  # fmt: skip
            planes.squared[K, index % 2, c] = (value - mean[K]) * (value - mean[K])
        _end_row(start + width, index, planes)
    _end_slice(index, width, height, planes)
