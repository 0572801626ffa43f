# mypy: allow-untyped-defs, no-check-untyped-defs
"""Depth pictures as ranks of the sensor's own steps: is there depth, and how far from the median edge is it.

One compiled loop codes and decodes.  Each decision mixes adaptive counters under hashed contexts (neighbours'
differences, errors nearby, the picture before as it was and as it looks from here), logistic mixing, and a secondary
estimation, all in integers (see `geo3d_compression.entropy.models`).

    rank 0 = no depth:  one decision
    else: residual to the median edge:  zero?  sign?  one more?  one more? ...  Exp-Golomb beyond
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from geo3d_compression.depth.decision import CONTEXTS, DecisionModel, decide, expect, new_decisions
from geo3d_compression.entropy.coder import code_bit

PAD = 3
_UNARY = 20
_NODES = 2 + _UNARY + 20
_VALID = _NODES
_SETS = (_NODES + 1) * 16
# Bytes of one pixel at most: every decision costs under 13 bits.
MAX_BYTES = ((1 + 2 + _UNARY + 2 * 17) * 13 + 7) // 8


class DepthModel(NamedTuple):
    """What the coding of depth has learned, and the padded pictures that it looks at."""

    decisions: DecisionModel
    keys: Any  # [CONTEXTS] of "is there depth?"
    value_keys: Any  # [CONTEXTS] of the residual
    now: Any  # [H + 2 PAD, W + 2 PAD] ranks
    error: Any  # the same, signed residuals


def new_model(height: int, width: int) -> DepthModel:
    """A model that has seen nothing."""
    size = (height + 2 * PAD, width + 2 * PAD)
    return DepthModel(
        new_decisions(_SETS),
        np.zeros(CONTEXTS, np.int64),
        np.zeros(CONTEXTS, np.int64),
        np.zeros(size, np.int64),
        np.zeros(size, np.int64),
    )


@njit(cache=True, nogil=True, inline="always")
def _digit(v):
    """A signed difference as one of 15 digits: 0, ±1, ±2, ±3..4, ±5..8, ±9..16, ±17..64, ±more."""
    a = abs(v)
    if a <= 2:
        d = a
    elif a <= 4:
        d = 3
    elif a <= 8:
        d = 4
    elif a <= 16:
        d = 5
    elif a <= 64:
        d = 6
    else:
        d = 7
    return 7 + d if v >= 0 else 7 - d


@njit(cache=True, nogil=True, inline="always")
def _clip(v, limit):
    return min(max(v, -limit), limit) + limit


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def _decide(d, keys, state, buffer, encode, node, select_a, select_b, bit):
    return decide(
        d.counters, d.mixer_a, d.mixer_b, d.bias_a, d.bias_b, d.apm, d.memory, d.places, keys, state, buffer, encode,
        node, select_a, select_b, bit,
    )  # fmt: skip


@njit(cache=True, nogil=True, _nrt=False)
def _residual(residual, level, qS, d, keys, state, buffer, encode):
    """Zero?  Sign?  Then the magnitude: unary to 20, then Exp-Golomb."""
    if not _decide(d, keys, state, buffer, encode, 0, level, qS, 1 if residual != 0 else 0):
        return np.int64(0)
    expect(d.counters, keys, 2)
    negative = _decide(d, keys, state, buffer, encode, 1, level, qS, 1 if residual < 0 else 0)
    value = abs(residual)
    size, low, bits, node = np.int64(1), np.int64(0), np.int64(0), np.int64(2)
    while node < _NODES:
        more = value > size if size <= _UNARY else (value - _UNARY) >> (bits + 1) > 0
        if bits == 16 or not _decide(d, keys, state, buffer, encode, node, level, qS, 1 if more else 0):
            break
        node += 1
        if size <= _UNARY:
            size += 1
        else:
            bits += 1
    if size > _UNARY:
        for i in range(bits - 1, -1, -1):
            low = (low << 1) | code_bit(state, buffer, 32768, ((value - _UNARY) >> i) & 1, encode)
        size = _UNARY + ((1 << bits) | low)
    return -size if negative else size


@njit(cache=True, nogil=True, _nrt=False)
def code_frame(ranks, count, warped, last, model, state, buffer, encode):
    """Encode or decode one picture.

    ranks   [H, W] 0 = no depth, 1 ... count; read or filled
    warped  [H + 2 PAD, W + 2 PAD] the picture before, seen from here; zeros where unknown
    last    the same size: the picture before, pixel by pixel
    """
    height, width = ranks.shape
    now, error, keys, decisions = model.now, model.error, model.keys, model.decisions
    values = model.value_keys
    for y in range(now.shape[0]):
        for x in range(now.shape[1]):
            now[y, x] = 0
            error[y, x] = 0
    latest = (count + 1) >> 1
    for y in range(PAD, height + PAD):
        for x in range(PAD, width + PAD):
            W, N, NW, NE = now[y, x - 1], now[y - 1, x], now[y - 1, x - 1], now[y - 1, x + 1]
            WW, NN, NNE = now[y, x - 2], now[y - 2, x], now[y - 2, x + 1]
            S, SE, SS = warped[y, x], warped[y, x + 1], warped[y + 1, x]
            L, LE, LS = last[y, x], last[y, x + 1], last[y + 1, x]
            valid = (W > 0) | (N > 0) << 1 | (NW > 0) << 2 | (NE > 0) << 3 | (WW > 0) << 4 | (NN > 0) << 5
            valid |= (NNE > 0) << 6
            seen = (S > 0) | (SE > 0) << 1 | (SS > 0) << 2 | (warped[y, x - 1] > 0) << 3 | (warped[y - 1, x] > 0) << 4
            held = (L > 0) | (LE > 0) << 1 | (LS > 0) << 2 | (last[y, x - 1] > 0) << 3 | (last[y - 1, x] > 0) << 4
            wide = (now[y, x - 3] > 0) | (now[y - 1, x + 2] > 0) << 1 | (now[y - 1, x - 2] > 0) << 2
            wide |= (now[y - 3, x] > 0) << 3 | (now[y - 2, x + 2] > 0) << 4 | (now[y - 2, x - 1] > 0) << 5
            wide |= (now[y - 1, x + 3] > 0) << 6 | (now[y - 2, x - 2] > 0) << 7
            step = _digit(W - N) if (valid & 3) == 3 else 15
            turn = _digit(NE - N) if (valid & 10) == 10 else 15
            jump = _digit(L - W) if L > 0 and W > 0 else 15
            keys[0] = valid | seen << 7
            keys[1] = valid | held << 7
            keys[2] = valid | wide << 7
            keys[3] = (valid & 15) | step << 4 | turn << 8
            keys[4] = seen | held << 5 | (valid & 15) << 10
            keys[5] = (valid & 15) | (x >> 3) << 4 | (y >> 3) << 14
            keys[6] = held | jump << 5 | (valid & 3) << 9
            keys[7] = (valid & 15) | (W >> 3) << 4
            keys[8] = (valid & 15) | _digit(error[y, x - 1]) << 4 | _digit(error[y - 1, x]) << 8
            keys[9] = (valid & 15) | y << 4
            keys[10] = (valid & 15) | x << 4
            keys[11] = wide | (valid & 3) << 8 | (L > 0) << 10 | (S > 0) << 11
            keys[12] = valid | step << 7 | (L > 0) << 11 | (S > 0) << 12
            keys[13] = wide | valid << 8 | held << 15
            keys[14] = (S > 0) | (SE > 0) << 1 | (SS > 0) << 2 | (warped[y + 1, x + 1] > 0) << 3 | (valid & 15) << 4
            keys[15] = 0
            if W > 0 and N > 0:
                guess = min(max(W + N - NW, min(W, N)), max(W, N)) if NW > 0 else (W + N) >> 1
            elif W > 0:
                guess = W
            elif N > 0:
                guess = N
            elif NE > 0:
                guess = NE
            elif NW > 0:
                guess = NW
            elif S > 0:
                guess = S
            elif L > 0:
                guess = L
            else:
                guess = latest
            eW, eN, eNW, eNE = error[y, x - 1], error[y - 1, x], error[y - 1, x - 1], error[y - 1, x + 1]
            energy = 2 * (abs(eW) + abs(eN)) + abs(eNW) + abs(eNE) + abs(error[y, x - 2]) + abs(error[y - 2, x])
            level = min(_digit(energy) - 7 + (7 if energy > 256 else 0), 15)
            dS = S - guess if S > 0 else 1 << 20
            dL = L - guess if L > 0 else 1 << 20
            qS = _digit(dS) if S > 0 else 15
            qL = _digit(dL) if L > 0 else 15
            a = _digit(W - NW) if (valid & 5) == 5 else 15
            b = _digit(N - NW) if (valid & 6) == 6 else 15
            c = turn
            values[0] = a | b << 4 | c << 8
            values[1] = _digit(eW) | _digit(eN) << 4 | _digit(eNE) << 8
            values[2] = qS | level << 4 | qL << 8
            values[3] = qS | _digit(SE - S) << 4 | _digit(SS - S) << 8
            values[4] = qL | _digit(LE - L) << 4 | _digit(LS - L) << 8
            values[5] = guess
            values[6] = a | (_digit(W - WW) if WW > 0 else 15) << 4 | level << 8
            values[7] = b | (_digit(N - NN) if NN > 0 else 15) << 4 | (_digit(NE - NNE) if NNE > 0 else 15) << 8
            values[8] = _clip(eW, 6) * 169 + _clip(eN, 6) * 13 + _clip(eNW, 6)
            values[9] = level | (guess >> 3) << 4
            values[10] = valid | step << 7 | level << 11
            values[11] = _clip(W - guess, 20) * 1681 + _clip(N - guess, 20) * 41 + _clip(NE - guess, 20)
            values[12] = (x >> 3) | (y >> 3) << 10
            values[13] = _clip(dS, 30) * 61 + _clip(dL, 30)
            values[14] = (W * 31 + N) * 31 + NE
            values[15] = _clip(NE - guess, 20) * 1681 + _clip(WW - guess, 20) * 41 + _clip(NN - guess, 20)
            # Their counters are on the way while it is coded whether there is depth.
            expect(decisions.counters, values, 0)
            rank = ranks[y - PAD, x - PAD]
            present = _decide(
                decisions, keys, state, buffer, encode, _VALID, valid & 15, (seen & 3) | (held & 3) << 2,
                1 if rank > 0 else 0,
            )  # fmt: skip
            if not present:
                ranks[y - PAD, x - PAD] = 0
                continue
            residual = _residual(rank - guess, level, qS, decisions, values, state, buffer, encode)
            rank = min(max(guess + residual, 1), count)
            ranks[y - PAD, x - PAD] = rank
            now[y, x] = rank
            error[y, x] = residual
            latest = rank
