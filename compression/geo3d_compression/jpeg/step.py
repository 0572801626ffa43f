# mypy: allow-untyped-defs, no-check-untyped-defs
"""Values and counts as binary decisions, each by one of two kernels, in both directions.

`mixture` serves `best` and all predicted frames; `quick` serves pictures in `fast`, which come with `inputs` of two
dimensions: the compiler knows which kernel is meant.

Below the two entrances, arrays are passed one by one: taking them out of a tuple costs two atomic operations each.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from geo3d_compression.jpeg import mixture, quick

_mixed_seek, _mixed_code, _mixed_ask, _mixed_advance = mixture.seek, mixture.code, mixture.ask, mixture.advance
_quick_seek, _quick_code, _quick_ask, _quick_advance = quick.seek, quick.code, quick.ask, quick.advance
_quick_expect, _quick_ask_weights = quick.expect, quick.ask_weights

# Groups of decisions that share a place: the first of a value, long lengths, then one for each length; counts.
_FIRST, _LONG, _BELOW, _COUNT = 0, 1, 2, 32


class Coder(NamedTuple):
    """The range coder, and all that adapts; one for both directions."""

    state: Any
    buffer: Any
    encode: Any
    counters: Any  # uint32, eight a place
    weights: Any  # int32
    work: Any
    inputs: Any  # int32, one row in `mixture`, [1, LANES] in `quick`


@njit(cache=True, nogil=True, _nrt=False)
def _seek(work, inputs, group):
    if inputs.ndim == 2:
        _quick_seek(work, 0, group)
    else:
        _mixed_seek(work, 0, group)


@njit(cache=True, nogil=True, _nrt=False)
def _announce(counters, weights, work, inputs, to, group, node):
    if inputs.ndim == 2:
        _quick_seek(work, to, group)
        _quick_ask(counters, weights, work, to, node)
    else:
        _mixed_seek(work, to, group)
        _mixed_ask(counters, weights, work, to, node)


@njit(cache=True, nogil=True, _nrt=False)
def announce_value(coder, to):
    """The contexts of the area `to` are those of a value to be coded soon: find its first counters, ask for them."""
    _announce(coder.counters, coder.weights, coder.work, coder.inputs, to, _FIRST, 0)


@njit(cache=True, nogil=True, _nrt=False)
def announce_count(coder, to, guess):
    """The same of a count; `guess`: what its three lowest bits probably come after, 0 where there are no others."""
    _announce(coder.counters, coder.weights, coder.work, coder.inputs, to, _COUNT + 1, 45)
    if guess > 0:
        _expect(coder.counters, coder.work, coder.inputs, to, _COUNT + guess)


@njit(cache=True, nogil=True, _nrt=False)
def _expect(counters, work, inputs, to, group):
    if inputs.ndim == 2:
        _quick_expect(counters, work, to, group)


@njit(cache=True, nogil=True, _nrt=False)
def _ask_weights(weights, work, inputs, node):
    if inputs.ndim == 2:
        _quick_ask_weights(weights, work, 0, node)


@njit(cache=True, nogil=True, _nrt=False)
def advance(work, inputs, source):
    """What was announced in the area `source` is coded now."""
    if inputs.ndim == 2:
        _quick_advance(work, source)
    else:
        _mixed_advance(work, source)


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def _code(state, buffer, encode, counters, weights, work, inputs, node, slot, bit):
    """Encode `bit`, or decode one and return it.  `node`: which decision; `slot`: its counter in the place sought."""
    if inputs.ndim == 2:
        return _quick_code(state, buffer, encode, counters, weights, work, inputs, node, slot, bit)
    return _mixed_code(state, buffer, encode, counters, weights, work, inputs, node, slot, bit)


@njit(cache=True, nogil=True, _nrt=False)
def _value(s, b, e, c, w, work, x, value, nonzero):
    if not nonzero and _code(s, b, e, c, w, work, x, 0, 0, np.int64(value != 0)) == 0:
        return np.int64(0)
    _ask_weights(w, work, x, 2)
    negative = _code(s, b, e, c, w, work, x, 1, 1, np.int64(value < 0))
    magnitude = abs(value)
    length = 1
    while length < 17:
        if length == 7:
            _seek(work, x, _LONG)
        slot = 1 + length if length < 7 else min(length - 7, 7)
        if _code(s, b, e, c, w, work, x, 1 + min(length, 12), slot, np.int64(magnitude >> length != 0)) == 0:
            break
        length += 1
        _expect(c, work, x, 0, _BELOW + length)
        _ask_weights(w, work, x, 14 + min(length, 14))
    result = np.int64(1)
    if length > 1:
        _seek(work, x, _BELOW + length)
    for at in range(length - 2, -1, -1):
        depth = length - 2 - at
        node = 14 + min(length, 14) if depth == 0 else 30 + min(length, 12)
        slot = result - 1 if depth < 3 else np.int64(7)
        result = result << 1 | _code(s, b, e, c, w, work, x, node, slot, (magnitude >> at) & 1)
    return -result if negative else result


@njit(cache=True, nogil=True, _nrt=False)
def _count(s, b, e, c, w, work, x, value, bits):
    result, local = np.int64(1), np.int64(1)
    for at in range(bits - 1, -1, -1):
        if at < bits - 1 and (bits - 1 - at) % 3 == 0:
            _seek(work, x, _COUNT + result)
            local = np.int64(1)
        if at > 0:
            _ask_weights(w, work, x, 45 + bits - at)
        bit = _code(s, b, e, c, w, work, x, 44 + bits - at, local - 1, (value >> at) & 1)
        local = local << 1 | bit
        result = result << 1 | bit
    return result - (1 << bits)


@njit(cache=True, nogil=True, _nrt=False)
def code_value(coder, value, nonzero):
    """A signed integer below 2^17 in magnitude: zero?, sign, length in unary, then the bits below the highest."""
    return _value(
        coder.state, coder.buffer, coder.encode, coder.counters, coder.weights, coder.work, coder.inputs, value, nonzero
    )  # fmt: skip


@njit(cache=True, nogil=True, _nrt=False)
def code_count(coder, value, bits):
    """An unsigned integer of at most 6 bits as a binary tree, the highest bit first; three bits share a place."""
    return _count(
        coder.state, coder.buffer, coder.encode, coder.counters, coder.weights, coder.work, coder.inputs, value, bits
    )  # fmt: skip
