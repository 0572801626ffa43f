# mypy: allow-untyped-defs, no-check-untyped-defs
"""Byte strings (headers, metadata, small text files) by context mixing of orders 0 to 6, in integers.

A codec that knows what such strings look like gives a *prelude*, typical bytes that both sides read before the first
byte, so that a common header costs next to nothing.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from geo3d.errors import BitstreamError
from geo3d_compression.entropy.coder import check_decoder, code_bit, finish, new_decoder, new_encoder
from geo3d_compression.entropy.models import (
    counter_input,
    counter_update,
    hash_index,
    mixer_dot,
    mixer_update,
    new_counters,
    new_mixer,
    squash,
)

_ORDERS = 8
_TABLE_BITS = 18
_RATE = 120
_LIMIT = 120
# One byte of stream can stand for very many equal bytes, but not for more than this.
_MOST_BYTES_A_BYTE = 1 << 12


@njit(cache=True, nogil=True)
def _code(state, buffer, data, first, counters, weights, encode):
    """Bytes before `first` are the prelude: they teach the model and are not coded."""
    contexts = np.zeros(_ORDERS, np.int64)
    slots = np.zeros(_ORDERS, np.int64)
    inputs = np.zeros(_ORDERS + 1, np.int64)
    last = np.zeros(1 << 16, np.int64)
    match = np.int64(0)
    length = np.int64(0)
    for i in range(data.size):
        key = np.int64(0)
        for order in range(1, 7):
            key = key * 257 + (np.int64(data[i - order]) + 1 if i >= order else 0)
            contexts[order] = (key << 3) + order
        contexts[0] = np.int64(0)
        # What followed the last time the same four bytes stood here.
        if length > 0 and i > 0 and data[match] == data[i - 1]:
            match += 1
            length = min(length + 1, 30)
        else:
            length = 0
        if i >= 4:
            h = hash_index(
                (
                    (np.int64(data[i - 4]) << 24)
                    | (np.int64(data[i - 3]) << 16)
                    | (np.int64(data[i - 2]) << 8)
                    | np.int64(data[i - 1])
                ),
                16,
            )
            if length == 0 and last[h] > 0:
                match = last[h]
                length = 1
            last[h] = i
        guess = np.int64(data[match]) if length > 0 else np.int64(-1)
        node = np.int64(1)
        for at in range(7, -1, -1):
            agrees = guess >= 0 and (guess | 256) >> (at + 1) == node
            expected = (guess >> at) & 1 if agrees else np.int64(2)
            contexts[7] = expected * 64 + (min(length, 30) if agrees else 0)
            for k in range(_ORDERS):
                part = node if k < 7 else np.int64(0)
                slots[k] = (k << _TABLE_BITS) | hash_index((contexts[k] << 8) + part, _TABLE_BITS)
                inputs[k] = counter_input(counters[slots[k]])
            inputs[_ORDERS] = 256
            row = expected * 256 + node
            x = mixer_dot(weights, row, inputs, _ORDERS + 1)
            p = min(max(squash(x), 32), 65504)
            bit = (np.int64(data[i]) >> at) & 1
            if i >= first:
                bit = code_bit(state, buffer, p, bit, encode)
            mixer_update(weights, row, inputs, _ORDERS + 1, (bit << 16) - p, _RATE)
            for k in range(_ORDERS):
                counters[slots[k]] = counter_update(counters[slots[k]], bit, _LIMIT)
            node = node << 1 | bit
        data[i] = node & 0xFF


def _run(coder, buffer, data, first, encode):
    _code(coder, buffer, data, first, new_counters(_ORDERS << _TABLE_BITS), new_mixer(768, _ORDERS + 1, 0.3), encode)


def encode_bytes(data: bytes, prelude: bytes = b"") -> bytes:
    """Code `data`; the decoder has to be told its length and given the same prelude."""
    coder, buffer = new_encoder(8 * len(data))
    _run(coder, buffer, np.frombuffer(prelude + data, np.uint8).copy(), len(prelude), True)
    return finish(coder, buffer)


def decode_bytes(stream: bytes, length: int, prelude: bytes = b"") -> bytes:
    """The `length` bytes that `encode_bytes` coded; raises `BitstreamError` where the stream cannot hold them."""
    if length > _MOST_BYTES_A_BYTE * (len(stream) + 16):
        raise BitstreamError(f"{len(stream)} bytes of stream cannot hold {length} bytes")
    coder, buffer = new_decoder(stream)
    data = np.frombuffer(prelude + bytes(length), np.uint8).copy()
    _run(coder, buffer, data, len(prelude), False)
    check_decoder(coder, buffer, "byte stream")
    return data[len(prelude) :].tobytes()
