"""Lossless coding of integer channels along a `CodingOrder`: predict from decoded neighbours, mix contexts online.

    neighbours' values --> prediction --> residual --> zero? sign, class, mantissa   (binary decisions)
                     \\-> contexts -----> counters -> mixer -> final estimator -> range coder

Residuals r are written as: r = 0?; its sign; the class c = floor(log2 |r|) in unary; the c bits below the leading one,
the first three of them in context.  Every number that a probability depends on is an integer already decoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from geo3d_compression.attributes.order import CodingOrder
from geo3d_compression.entropy.coder import check_decoder, code_bit, finish, new_decoder, new_encoder
from geo3d_compression.entropy.models import (
    apm_refine,
    apm_update,
    counter_input,
    counter_update,
    hash_index,
    mixer_dot,
    mixer_update,
    new_apm,
    new_counters,
    new_mixer,
    squash,
)
from numba import njit
from numpy.typing import NDArray

from geo3d.errors import BitstreamError

# Wider channels (bits of floats, time stamps) are predicted by their nearest neighbour: weighted sums would overflow.
WIDE = 1 << 28
_HUGE = 1 << 62
MAX_CHANNELS = 16

# How a channel is predicted.
_MEAN, _WIDE, _FLAT = range(3)

_INPUTS = 10
_NODES = 1024
_CLASS_NODE = 2
_MANTISSA_NODE = 80
_ENERGIES = 16
_COUNTER_LIMIT = 255
_MIXER_RATE = 14
_BITS_A_VALUE = 140


@dataclass(frozen=True)
class ChannelRange:
    """Least and greatest value of a channel, both declared in the header; `flat` ones are not like their neighbours."""

    low: int
    high: int
    flat: bool = False

    @property
    def span(self) -> int:
        """How many steps lie between the two."""
        return self.high - self.low


def encode_channels(
    order: CodingOrder, values: NDArray[np.int64], ranges: Sequence[ChannelRange], cuts: Sequence[int]
) -> list[bytes]:
    """Code [N, C] values (coding order) into one stream a group; `cuts` are the ends of the groups, the last one N."""
    model = _Model(order, ranges, len(values))
    model.put(values)
    streams, first = [], 0
    for last in cuts:
        # The bound counts decisions; what stays unused is never touched.
        state, buffer = new_encoder(max(1, (last - first) * len(ranges) * _BITS_A_VALUE))
        model.run(state, buffer, first, last, encode=True)
        streams.append(finish(state, buffer))
        first = last
    return streams


def decode_channels(
    order: CodingOrder,
    streams: Sequence[bytes],
    ranges: Sequence[ChannelRange],
    cuts: Sequence[int],
    total: int,
) -> NDArray[np.int64]:
    """The first cuts[-1] values [M, C] in coding order, one stream a group.

    `total` is the number of values that were encoded; where the order is shorter, the last stream is read in part.
    """
    model = _Model(order, ranges, total)
    first = 0
    for data, last in zip(streams, cuts, strict=True):
        state, buffer = new_decoder(data)
        bad = model.run(state, buffer, first, last, encode=False)
        if bad:
            raise BitstreamError("an attribute stream is damaged: a value leaves its declared range")
        if total == len(order.neighbours) or last < cuts[-1]:
            check_decoder(state, buffer, "attribute stream")
        first = last
    return model.get(first)


class _Model:
    """All that adapts, the same in encoder and decoder."""

    def __init__(self, order: CodingOrder, ranges: Sequence[ChannelRange], total: int) -> None:
        if not 1 <= len(ranges) <= MAX_CHANNELS:
            raise ValueError(f"1 to {MAX_CHANNELS} channels are coded together, got {len(ranges)}")
        n, channels = len(order.neighbours), len(ranges)
        self.order = order
        self.values = np.zeros((n, channels), np.int64)
        self.residuals = np.zeros((n, channels), np.int64)
        # Differences of 64-bit values may need 65 bits: of such channels the lowest bit is coded apart, as it is.
        self.apart = np.array([r.span >= _HUGE for r in ranges], np.int64)
        self.lowest = np.zeros((n if self.apart.any() else 0, channels), np.int64)
        self.low = np.array([r.low for r in ranges], np.int64) >> self.apart
        self.high = np.array([r.high for r in ranges], np.int64) >> self.apart
        self.mode = np.array([_FLAT if r.flat else _WIDE if r.span >= WIDE else _MEAN for r in ranges], np.int64)
        bits = min(18, max(10, (4 * total * channels).bit_length()))
        self.counters = np.stack([new_counters(1 << bits) for _ in range(_INPUTS - 1)])
        self.by_node = new_mixer(_NODES * channels, _INPUTS, 0.3)
        self.by_energy = new_mixer(_ENERGIES * 16 * channels, _INPUTS, 0.3)
        self.apm = new_apm(_NODES * channels)

    def put(self, values: NDArray[np.int64]) -> None:
        """Take what is to be encoded."""
        self.values[:] = values >> self.apart
        self.lowest[:] = (values & self.apart)[: len(self.lowest)]

    def get(self, count: int) -> NDArray[np.int64]:
        """The first `count` decoded values."""
        values = self.values[:count] << self.apart
        return values | self.lowest[:count] if len(self.lowest) else values

    def run(self, state: NDArray[np.int64], buffer: NDArray[np.uint8], first: int, last: int, *, encode: bool) -> bool:
        """Code values first ... last; True if a decoded value was out of range."""
        return bool(
            _code(
                state, buffer, first, last, self.order.neighbours, self.order.distances,
                self.values, self.residuals, self.apart, self.lowest,
                self.low, self.high, self.mode, self.counters, self.by_node, self.by_energy, self.apm, encode,
            )
        )  # fmt: skip


@njit(cache=True, nogil=True)
def log_class(x):  # type: ignore[no-untyped-def]
    """floor(2 log2 x) + 1 for x >= 1, 0 for 0: two steps an octave."""
    if x <= 0:
        return np.int64(0)
    c = np.int64(0)
    while x >> c > 1:
        c += 1
    half = np.int64(0) if c == 0 else (x >> (c - 1)) & 1
    return 2 * c + half + 1


@njit(cache=True, nogil=True)
def signed_class(x):  # type: ignore[no-untyped-def]
    return log_class(x) if x >= 0 else -log_class(-x)


@njit(cache=True, nogil=True)
def decide(  # type: ignore[no-untyped-def]
    state, buffer, node, bit, contexts, counters, bits, slots, inputs, by_node, row, by_energy, energy_row, apm, encode
):
    """One binary decision: counters of all contexts -> two mixers -> final estimate -> coder, then learn."""
    k = contexts.size
    for i in range(k):
        slots[i] = hash_index(contexts[i] * 1024 + node, bits)
        inputs[i] = counter_input(counters[i, slots[i]])
    inputs[k] = 256
    a = mixer_dot(by_node, row, inputs, k + 1)
    b = mixer_dot(by_energy, energy_row, inputs, k + 1)
    x = (a + b) >> 1
    p = (squash(x) + 3 * apm_refine(apm, row, x)) >> 2
    p = min(max(p, 24), 65512)
    bit = code_bit(state, buffer, p, bit, encode)
    mixer_update(by_node, row, inputs, k + 1, (bit << 16) - squash(a), _MIXER_RATE)
    mixer_update(by_energy, energy_row, inputs, k + 1, (bit << 16) - squash(b), _MIXER_RATE)
    apm_update(apm, row, x, bit, 6)
    for i in range(k):
        counters[i, slots[i]] = counter_update(counters[i, slots[i]], bit, _COUNTER_LIMIT)
    return bit


@njit(cache=True, nogil=True)
def _code(  # type: ignore[no-untyped-def]
    state, buffer, first, last, neighbours, distances, values, residuals, apart, lowest,
    low, high, mode, counters, by_node, by_energy, apm, encode,
):  # fmt: skip
    channels = values.shape[1]
    bits = 0
    while 1 << bits < counters.shape[1]:
        bits += 1
    contexts = np.zeros(counters.shape[0], np.int64)
    slots = np.zeros(counters.shape[0], np.int64)
    inputs = np.zeros(counters.shape[0] + 1, np.int64)
    for t in range(first, last):
        count = 0
        while count < neighbours.shape[1] and neighbours[t, count] >= 0:
            count += 1
        for c in range(channels):
            p = _predict(t, c, count, neighbours, distances, values, mode[c])
            p = min(max(p, low[c]), high[c])
            energy = _contexts(t, c, count, p, low[c], high[c], neighbours, values, residuals, contexts)
            r = values[t, c] - p if encode else np.int64(0)
            # --- zero?
            row, erow = c * 1024, (c * _ENERGIES + energy) * 16
            bit = decide(
                state, buffer, 0, np.int64(r != 0), contexts, counters, bits, slots, inputs, by_node, row, by_energy,
                erow, apm, encode,
            )  # fmt: skip
            if apart[c]:
                lowest[t, c] = code_bit(state, buffer, 32768, lowest[t, c], encode)
            if bit == 0:
                values[t, c] = p
                residuals[t, c] = 0
                continue
            # --- sign: known where only one side is left
            if p == low[c]:
                negative = np.int64(0)
            elif p == high[c]:
                negative = np.int64(1)
            else:
                negative = decide(
                    state, buffer, 1, np.int64(r < 0), contexts, counters, bits, slots, inputs, by_node, row + 1,
                    by_energy, erow + 1, apm, encode,
                )  # fmt: skip
            room = p - low[c] if negative else high[c] - p
            m = -r if negative else r
            # --- class
            k = np.int64(0)
            while k < 62 and (np.int64(2) << k) <= room:
                more = decide(
                    state, buffer, 2 + k, np.int64(m >> k > 1), contexts, counters, bits, slots, inputs, by_node,
                    row + 2 + k, by_energy, erow + 2 + min(k, 7), apm, encode,
                )  # fmt: skip
                if more == 0:
                    break
                k += 1
            # --- mantissa
            value = np.int64(1)
            for j in range(k):
                bit = (m >> (k - 1 - j)) & 1
                if j < 3:
                    node = 80 + k * 8 + value
                    bit = decide(
                        state, buffer, node, bit, contexts, counters, bits, slots, inputs, by_node, row + node,
                        by_energy, erow + 10 + j, apm, encode,
                    )  # fmt: skip
                else:
                    bit = code_bit(state, buffer, 32768, bit, encode)
                value = value << 1 | bit
            if value > room:
                return True
            r = -value if negative else value
            values[t, c] = p + r
            residuals[t, c] = r
    return False


@njit(cache=True, nogil=True)
def _predict(t, c, count, neighbours, distances, values, mode):  # type: ignore[no-untyped-def]
    """Mean of the neighbours by 1 / distance^4; the nearest one for wide channels, 0 for flat ones."""
    if count == 0 or mode == _FLAT:
        return np.int64(0)
    if mode == _WIDE:
        return values[neighbours[t, 0], c]
    total, weight = np.int64(0), np.int64(0)
    for i in range(count):
        w = np.int64(1 << 20) // (distances[t, i] * distances[t, i])
        total += w * values[neighbours[t, i], c]
        weight += w
    return (2 * total + weight) // (2 * weight)


@njit(cache=True, nogil=True)
def _contexts(t, c, count, p, low, high, neighbours, values, residuals, contexts):  # type: ignore[no-untyped-def]
    """Fill the context keys of one value; returns the class of the neighbourhood's unrest."""
    spread, unrest, lean = np.int64(0), np.int64(0), np.int64(0)
    for i in range(min(count, 6)):
        n = neighbours[t, i]
        spread += min(abs(values[n, c] - p), np.int64(1) << 40)
        unrest += min(abs(residuals[n, c]), np.int64(1) << 40)
        lean += min(max(residuals[n, c], -(np.int64(1) << 40)), np.int64(1) << 40)
    used = max(1, min(count, 6))
    e = min(log_class(4 * spread // used), 63)
    u = min(log_class(4 * unrest // used), 63)
    d0 = signed_class(values[neighbours[t, 0], c] - p) if count > 0 else np.int64(99)
    d1 = signed_class(values[neighbours[t, 1], c] - p) if count > 1 else np.int64(99)
    d2 = signed_class(values[neighbours[t, 2], c] - p) if count > 2 else np.int64(99)
    s1 = signed_class(residuals[t, c - 1]) if c > 0 else np.int64(0)
    s2 = signed_class(residuals[t, c - 2]) if c > 1 else np.int64(0)
    span = high - low
    shift = 0
    while span >> shift > 63:
        shift += 1
    level = (p - low) >> shift
    for i in range(contexts.size):
        contexts[i] = 0
    contexts[0] = 1
    contexts[1] = (e * 64 + u) * 2
    contexts[2] = (u * 256 + s1 + 128) * 256 + s2 + 128
    contexts[3] = ((d0 + 128) * 256 + d1 + 128) * 64 + e // 2
    contexts[4] = ((s1 + 128) * 256 + s2 + 128) * 64 + e // 2
    contexts[5] = level * 64 + e // 2
    contexts[6] = ((d0 + 128) * 256 + s1 + 128) * 16 + count
    contexts[7] = ((d0 + 128) * 256 + d1 + 128) * 256 + d2 + 128
    contexts[8] = (signed_class(2 * lean // used) + 128) * 64 + u // 2
    for i in range(contexts.size):
        # Channels learn apart from each other.
        contexts[i] = (contexts[i] * 16 + c) * 16 + i
    return min((e + u) // 2, 15)
