# mypy: allow-untyped-defs, no-check-untyped-defs
"""The loop over values: predict, code, learn.  One compiled loop is the encoder and the decoder.

A value is coded as binary decisions about its difference to the integer p nearest to the best guess, as in `channels`:
different?  below?  then the class floor(log2) of the distance in unary, and the bits below its leading one.
"""

from __future__ import annotations

import numpy as np
from geo3d_compression.attributes.narrow.contexts import set_contexts, unrest
from geo3d_compression.attributes.narrow.decisions import decide, log2_of
from geo3d_compression.attributes.narrow.densities import (
    ask_whether_equal,
    ask_whether_far,
    ask_which_side,
    hope,
    learn_scales,
    place,
    take_part,
    take_side,
)
from geo3d_compression.attributes.narrow.predictors import look, predict
from geo3d_compression.attributes.narrow.regression import LIMIT, clip, learn
from geo3d_compression.attributes.narrow.remainder import code_remainder
from geo3d_compression.attributes.narrow.state import CLASSES, FEATURES, PREDICTORS
from geo3d_compression.attributes.narrow.tables import HALF, UNIT, UNIT_BITS
from numba import njit

_DIFFERENT, _SIDE, _CLASS, _BITS = range(4)
# How fast the least squares forget, and what they add to the diagonal.
_SLOW_SHIFT, _FAST_SHIFT, _WIDE_SHIFT = 11, 8, 12
_DOUBT, _WIDE_DOUBT = 4096, 1000000
_DIFFERENCE_SHIFT = 5
_EQUAL_SHIFT = 5
_LARGEST_ERROR = 65535


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def code_points(first, last, near, place_of, level, low, model, state, buffer, encode):
    """Code points first ... last; True if a decoded value is none that an encoder writes."""
    seen, work, learned = model.seen, model.work, model.learned
    around, odds, keys = work.around, work.odds, work.keys
    C = model.span.size
    bits = log2_of(model.mixer.counters.shape[1])
    for t in range(first, last):
        count, copied = look(t, near, place_of, seen.values, seen.copied, around)
        copies = 0
        for c in range(C):
            used = predict(t, c, count, near, model.span[c], seen, learned, work)
            guess = work.guess[c]
            errors, spread, known = unrest(t, c, count, near, seen.values, seen.error, work.guess, around)
            p = min(max(guess + HALF >> UNIT_BITS, 0), model.span[c])
            first_scale = (c * CLASSES + errors) * CLASSES
            place(model.span[c], first_scale + known, first_scale + spread, guess, learned.scale, odds)
            hopes = hope(c, count, copied, learned.equal, around)
            set_contexts(t, c, p, count, np.int64(level[t]), errors, spread, known, seen.values, work)
            value = _code_value(
                c, p, seen.values[t, c], model.span[c], count, hopes, bits, around, odds, model.mixer, keys, C, state,
                buffer, encode,
            )  # fmt: skip
            if value < 0:
                return True
            seen.values[t, c] = value
            copies += _learn(t, c, value, count, copied, used, seen, learned, work)
        seen.copied[t] = copies
        if model.joined and code_remainder(
            t, count, near, low, seen.values, seen.remainder, around, keys, odds.told, model.remainder, state, buffer,
            encode,
        ):  # fmt: skip
            return True
    return False


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def _code_value(
    c, p, value, span, count, hopes, bits, around, odds, mixer, keys, C, state, buffer, encode
):  # fmt: skip
    """Encode `value`, or decode one and return it; -1 if it leaves the range."""
    r = value - p if encode else np.int64(0)
    negative = np.int64(0)
    distance = abs(r)
    room, k, j, part = np.int64(0), np.int64(0), np.int64(0), np.int64(1)
    least, most, split = np.int64(1), np.int64(0), np.int64(0)
    step, node, kind = _DIFFERENT, np.int64(0), np.int64(0)
    while True:
        if step == _DIFFERENT:
            ask_whether_equal(c, p, count, hopes, around, odds)
            bit = np.int64(r != 0)
        elif step == _SIDE:
            ask_which_side(c, p, count, hopes, around, odds)
            node, kind, bit = np.int64(1), np.int64(1), np.int64(r < 0)
        else:
            if step == _CLASS:
                split = np.int64(2) << k
                node, kind = 2 + k, 2 + min(k, 9)
            else:
                split = (2 * part + 1) << (k - 1 - j)
                node = 80 + 8 * k + part if j < 3 else 300 + 16 * k + j
                kind = 11 + 4 * min(j, 3) + min(k, 4)
            ask_whether_far(c, p, negative, least, split, most, count, hopes, around, odds)
            bit = np.int64(distance >= split)
        bit = decide(node, kind, bit, bits, mixer, keys, odds.told, C, state, buffer, encode)
        if step <= _SIDE:
            if step == _DIFFERENT:
                if bit == 0:
                    return p
                negative = np.int64(p == span)
                if 0 < p < span:
                    step = _SIDE
                    continue
            else:
                negative = bit
            take_side(negative, odds)
            room = p if negative else span - p
            most = room
            step = _CLASS
        else:
            take_part(bit, negative, odds)
            if bit:
                least = split
            else:
                most = split - 1
            if step == _BITS:
                part = 2 * part + bit
                j += 1
            elif bit:
                k += 1
            else:
                step = _BITS
        if step == _CLASS and (np.int64(2) << k) > room:
            step = _BITS
        if step == _BITS and j == k:
            break
    if part > room:
        return np.int64(-1)
    return p - part if negative else p + part


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def _learn(t, c, value, count, copied, used, seen, learned, work):
    """Take a value in; returns 1 if a neighbour has the same."""
    around, inputs = work.around, work.inputs
    v = UNIT * value
    seen.error[t, c] = v - work.guess[c]
    for k in range(PREDICTORS):
        seen.errors[t, c, k] = min(abs(v - work.odds.mean[k]), _LARGEST_ERROR)
    learn_scales(v, learned.scale, work.odds)
    target = clip(v - work.base[c], LIMIT)
    slow, fast, wide = learned.slow, learned.fast, learned.wide
    x = inputs.features
    learn(slow.A[c], slow.b[c], slow.w[c], inputs.all, x, FEATURES, target, t, _SLOW_SHIFT, _DOUBT)
    learn(fast.A[c], fast.b[c], fast.w[c], inputs.all, x, FEATURES, target, t, _FAST_SHIFT, _DOUBT)
    learn(wide.A[c], wide.b[c], wide.w[c], inputs.places, inputs.values, used, target, t, _WIDE_SHIFT, _WIDE_DOUBT)
    copy = 0
    for i in range(count):
        kind, match = around.kind[i], min(around.match[i], 3)
        d = v - UNIT * around.values[c, i]
        now = learned.difference[c, kind]
        learned.difference[c, kind] = now + ((min(d * d, 1 << 30) << 8) - now >> _DIFFERENCE_SHIFT)
        chance = learned.equal[c, 4 * match + copied, kind]
        learned.equal[c, 4 * match + copied, kind] = chance + ((np.int64(d == 0) << 22) - chance >> _EQUAL_SHIFT)
        if d == 0:
            copy = 1
            if around.match[i] == c:
                around.match[i] = c + 1
    return copy
