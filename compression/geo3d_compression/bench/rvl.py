# mypy: allow-untyped-defs, no-check-untyped-defs
"""RVL (Wilson, "Fast lossless depth image compression", ISS 2017): the peer that RGB-D recorders use."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True)
def _put(out, place, value):
    while True:
        nibble = value & 7
        value >>= 3
        out[place] = nibble | (8 if value else 0)
        place += 1
        if not value:
            return place


@njit(cache=True)
def _encode(depth, out):
    place, i, previous = 0, 0, 0
    while i < depth.size:
        start = i
        while i < depth.size and depth[i] == 0:
            i += 1
        place = _put(out, place, i - start)
        start = i
        while i < depth.size and depth[i] != 0:
            i += 1
        place = _put(out, place, i - start)
        for k in range(start, i):
            delta = depth[k] - previous
            place = _put(out, place, (delta << 1) ^ (delta >> 63))
            previous = depth[k]
    return place


@njit(cache=True)
def _decode(nibbles, depth):
    place, i, previous, kind = 0, 0, 0, 0
    left = 0
    while i < depth.size or left > 0:
        value, shift = 0, 0
        while True:
            nibble = np.int64(nibbles[place])
            place += 1
            value |= (nibble & 7) << shift
            shift += 3
            if nibble < 8:
                break
        if kind == 0:
            i += value
            kind = 1
        elif kind == 1:
            left = value
            kind = 2 if left else 0
        else:
            previous += (value >> 1) ^ -(value & 1)
            depth[i] = previous
            i += 1
            left -= 1
            if left == 0:
                kind = 0


def rvl_encode(depth: NDArray[np.uint16]) -> bytes:
    """One depth picture as RVL nibbles."""
    nibbles = np.zeros(depth.size * 8 + 16, np.uint8)
    count = _encode(depth.astype(np.int64).ravel(), nibbles)
    even = nibbles[: count + count % 2]
    return (even[::2] << 4 | even[1::2]).astype(np.uint8).tobytes()


def rvl_decode(data: bytes, shape: tuple[int, int]) -> NDArray[np.uint16]:
    """The picture of `rvl_encode`."""
    packed = np.frombuffer(data, np.uint8)
    nibbles = np.stack([packed >> 4, packed & 15], axis=1).ravel()
    depth = np.zeros(shape[0] * shape[1], np.int64)
    _decode(np.append(nibbles, np.zeros(32, np.uint8)), depth)
    return depth.astype(np.uint16).reshape(shape)
