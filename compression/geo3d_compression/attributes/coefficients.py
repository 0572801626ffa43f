"""Adaptive coding of quantised transform coefficients, level by level, in the context of what is decoded."""

from __future__ import annotations

import numpy as np
from geo3d_compression.attributes.channels import decide, log_class, signed_class
from geo3d_compression.attributes.raht import PLACES
from geo3d_compression.entropy.coder import code_bit
from geo3d_compression.entropy.models import new_apm, new_counters, new_mixer
from numba import njit
from numpy.typing import NDArray

_INPUTS = 12
_NODES = 1024
_LARGEST = 1 << 30
# Decisions a coefficient takes at most: zero, sign, 30 classes, 30 bits.
BITS_A_COEFFICIENT = 64


class CoefficientModel:
    """All that adapts, the same in encoder and decoder.  `total`: coefficients in all, which sizes the tables."""

    def __init__(self, channels: int, total: int) -> None:
        bits = min(18, max(10, (2 * total * channels).bit_length()))
        self.counters = np.stack([new_counters(1 << bits) for _ in range(_INPUTS - 1)])
        self.by_node = new_mixer(_NODES * channels, _INPUTS, 0.3)
        self.by_energy = new_mixer(256 * channels, _INPUTS, 0.3)
        self.apm = new_apm(_NODES * channels)

    def code(
        self, state: NDArray[np.int64], buffer: NDArray[np.uint8], q: NDArray[np.int64], valid: NDArray[np.bool_],
        near: NDArray[np.int64], above: NDArray[np.int64], guess: NDArray[np.int64], height: int, *, encode: bool,
    ) -> bool:  # fmt: skip
        """Code the quantised values q [K, 8, C] of a level in place; True if a decoded one is out of range.

        near [K, 3]: rows coded before that lie beside; above [K, C]: sum of |q| in the node that each came from.
        """
        return bool(
            _code(
                state, buffer, q, valid, near, above, guess, min(height, 15), PLACES, self.counters, self.by_node,
                self.by_energy, self.apm, encode,
            )
        )  # fmt: skip


@njit(cache=True, nogil=True)
def _code(  # type: ignore[no-untyped-def]
    state, buffer, q, valid, near, above, guess, height, places, counters, by_node, by_energy, apm, encode
):
    bits = 0
    while 1 << bits < counters.shape[1]:
        bits += 1
    channels = q.shape[2]
    contexts = np.zeros(counters.shape[0], np.int64)
    slots = np.zeros(counters.shape[0], np.int64)
    inputs = np.zeros(counters.shape[0] + 1, np.int64)
    energy = np.zeros((q.shape[0], channels), np.int64)
    for i in range(q.shape[0]):
        children = np.int64(1)
        for k in range(1, 8):
            children += np.int64(valid[i, k])
        for at in range(7):
            k = places[at]
            if not valid[i, k]:
                continue
            for c in range(channels):
                beside, around, used = np.int64(0), np.int64(0), np.int64(0)
                for n in range(3):
                    j = near[i, n]
                    if j >= 0:
                        used += 1
                        beside += abs(q[j, k, c])
                        around += energy[j, c]
                scale = used if used > 0 else np.int64(1)
                b = min(log_class(4 * beside // scale), 31)
                r = min(log_class(2 * around // scale), 31)
                a = min(log_class(2 * above[i, c]), 31)
                p = min(log_class(2 * energy[i, c]), 31)
                l1 = signed_class(q[i, k, c - 1]) if c > 0 else np.int64(0)
                l2 = signed_class(q[i, k, c - 2]) if c > 1 else np.int64(0)
                y = min(log_class(2 * energy[i, 0] + 2 * abs(q[i, k, 0])), 31) if c > 0 else np.int64(0)
                s0 = signed_class(q[near[i, 0], k, c]) if near[i, 0] >= 0 else np.int64(99)
                s1 = signed_class(q[near[i, 1], k, c]) if near[i, 1] >= 0 else np.int64(99)
                s2 = signed_class(q[near[i, 2], k, c]) if near[i, 2] >= 0 else np.int64(99)
                contexts[0] = (k * 16 + height) * 16 + children
                contexts[1] = (b * 32 + a) * 8 + k
                contexts[2] = (p * 32 + r) * 32 + a
                contexts[3] = ((l1 + 128) * 256 + l2 + 128) * 32 + a
                contexts[4] = (a * 32 + p) * 16 + height
                contexts[5] = (r * 8 + k) * 16 + height
                contexts[6] = ((abs(l1) * 64 + abs(l2)) * 32 + r) * 32 + y
                contexts[7] = ((s0 + 128) * 256 + s1 + 128) * 256 + s2 + 128
                contexts[8] = (
                    min(log_class(beside + around + 2 * above[i, c] + 2 * energy[i, c]), 31) * 32 + y
                ) * 4 + used
                g = signed_class(guess[i, k, c])
                h = abs(g)
                contexts[9] = ((g + 64) * 32 + b) * 32 + a
                contexts[10] = ((h * 32 + r) * 8 + k) * 64 + abs(l1)
                for m in range(contexts.size):
                    contexts[m] = (contexts[m] * 16 + c) * 16 + m
                row = c * 1024
                unrest = min(log_class(beside + around + above[i, c] + energy[i, c]), 15)
                erow = c * 256 + unrest * 16
                v = q[i, k, c]
                bit = decide(
                    state, buffer, 0, np.int64(v != 0), contexts, counters, bits, slots, inputs, by_node, row,
                    by_energy, erow, apm, encode,
                )  # fmt: skip
                if bit == 0:
                    q[i, k, c] = 0
                    continue
                negative = decide(
                    state, buffer, 1, np.int64(v < 0), contexts, counters, bits, slots, inputs, by_node, row + 1,
                    by_energy, erow + 1, apm, encode,
                )  # fmt: skip
                m = -v if negative else v
                e = np.int64(0)
                while e < 31:
                    more = decide(
                        state, buffer, 2 + e, np.int64(m >> e > 1), contexts, counters, bits, slots, inputs, by_node,
                        row + 2 + e, by_energy, erow + 2 + min(e, 7), apm, encode,
                    )  # fmt: skip
                    if more == 0:
                        break
                    e += 1
                value = np.int64(1)
                for j in range(e):
                    bit = (m >> (e - 1 - j)) & 1
                    if j < 2:
                        node = 80 + e * 8 + value
                        bit = decide(
                            state, buffer, node, bit, contexts, counters, bits, slots, inputs, by_node, row + node,
                            by_energy, erow + 10 + j, apm, encode,
                        )  # fmt: skip
                    else:
                        bit = code_bit(state, buffer, 32768, bit, encode)
                    value = value << 1 | bit
                if value > 1073741824:
                    return True
                q[i, k, c] = -value if negative else value
                energy[i, c] += value
    return False
