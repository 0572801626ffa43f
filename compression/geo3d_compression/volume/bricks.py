# mypy: allow-untyped-defs, no-check-untyped-defs
"""Which bricks of 8 x 8 x 8 voxels hold one value alone, so that only the others, near a surface, are coded.

    ranks --> known [S/8, H/8, W/8]: the rank that fills a brick, or -1
    known --> mixed bricks as an octree · the values that fill the others, by what fills their neighbours

An octree of the suite's own codec says which bricks are mixed; the few values that fill the others (free space,
unobserved) are told apart by adaptive decisions.  Bricks filled with rare values count as mixed.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d.errors import BitstreamError
from geo3d_compression import octree
from geo3d_compression.container.fields import Cursor, put_varint
from geo3d_compression.entropy.coder import check_decoder, code_bit, finish, new_decoder, new_encoder
from geo3d_compression.entropy.models import counter_update, new_counters
from geo3d_compression.volume.alphabet import Values
from geo3d_compression.volume.kernel import BRICK_BITS

BRICK = 1 << BRICK_BITS
# Values that fill bricks: more than this are not told apart.
_MOST_FILLS = 15
_PROFILE: octree.Profile = "fast"


def mask_model() -> bytes:
    """Content hash of the weights that the octree of mixed bricks needs."""
    return octree.model_id(_PROFILE)


def brick_shape(shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """Bricks along each side of a volume; those at the far sides may be smaller."""
    s, h, w = (-(-side // BRICK) for side in shape)
    return s, h, w


def find_bricks(layers: Iterable[NDArray[np.int64]], values: Values) -> NDArray[np.int64]:
    """`known` of integers that are given in layers of 8 slices, [8, H, W] (the last may have fewer)."""
    known = np.stack([_fills(layer, values) for layer in layers])
    fills, counts = np.unique(known[known >= 0], return_counts=True)
    rare = np.sort(fills[np.argsort(-counts, kind="stable")][_MOST_FILLS:])
    return np.where(np.isin(known, rare), -1, known)


def _fills(layer: NDArray[np.int64], values: Values) -> NDArray[np.int64]:
    starts = [np.arange(0, side, BRICK) for side in layer.shape[1:]]
    low, high = layer.min(axis=0), layer.max(axis=0)
    for axis, start in enumerate(starts):
        low = np.minimum.reduceat(low, start, axis=axis)
        high = np.maximum.reduceat(high, start, axis=axis)
    known = np.full(low.shape, -1, np.int64)
    known[low == high] = values.ranks(low[low == high])
    return known


def pack_bricks(known: NDArray[np.int64], least: int) -> bytes:
    """Bytes of at least `least` that `unpack_bricks` turns into `known`."""
    fills, counts = np.unique(known[known >= 0], return_counts=True)
    fills = fills[np.argsort(-counts, kind="stable")]
    out = bytearray()
    put_varint(out, len(fills))
    for fill in fills:
        put_varint(out, int(fill))
    mixed = np.argwhere(known < 0)
    chunks = octree.encode(mixed, _depth(known.shape), _PROFILE) if len(mixed) else []
    put_varint(out, len(chunks))
    for chunk in chunks:
        put_varint(out, len(chunk))
        out += chunk
    state, buffer = new_encoder(known.size * max(len(fills), 1))
    _code_fills(known.copy(), fills, new_counters(_counters(fills)), state, buffer, True)
    coded = finish(state, buffer)
    put_varint(out, len(coded))
    out += coded
    # Decoders bound the voxels by the bytes; nearly empty space takes next to none.
    padding = max(least - len(out), 0)
    put_varint(out, padding)
    return bytes(out) + bytes(padding)


def unpack_bricks(cursor: Cursor, shape: tuple[int, int, int], size: int) -> NDArray[np.int64]:
    """`known` of a volume of `shape` voxels, with ranks below `size`."""
    count = cursor.varint()
    if count > _MOST_FILLS:
        raise BitstreamError(f"{count} values fill bricks, at most {_MOST_FILLS} are told apart")
    fills = np.array([cursor.varint() for _ in range(count)], np.uint64)
    if (fills >= size).any():
        raise BitstreamError(f"a brick is filled with a rank that is not below {size}")
    bricks = brick_shape(shape)
    known = np.full(bricks, -2, np.int64)
    chunks = [cursor.take(cursor.varint()) for _ in range(_few(cursor.varint()))]
    mixed = octree.decode(chunks, _depth(bricks)) if chunks else np.zeros((0, 3), np.int64)
    if (mixed >= np.array(bricks)).any() or (not count and len(mixed) != known.size):
        raise BitstreamError("the octree of mixed bricks does not fit the volume")
    known[tuple(mixed.T)] = -1
    data = cursor.take(cursor.varint())
    state, buffer = new_decoder(data)
    _code_fills(known, fills.astype(np.int64), new_counters(_counters(fills)), state, buffer, False)
    check_decoder(state, buffer, "what fills the bricks")
    cursor.take(cursor.varint())
    return known


def _few(chunks: int) -> int:
    if chunks > 64:
        raise BitstreamError(f"an octree of bricks has no {chunks} chunks")
    return chunks


def _depth(bricks: tuple[int, ...]) -> int:
    return max(1, (max(bricks) - 1).bit_length())


def _counters(fills: NDArray[np.generic]) -> int:
    return (len(fills) + 1) ** 3 * max(len(fills), 1)


@njit(cache=True, nogil=True)
def _place(fills, value):
    for i in range(fills.size):
        if fills[i] == value:
            return i
    return fills.size


@njit(cache=True, nogil=True)
def _code_fills(known, fills, counters, state, buffer, encode):
    """Fill the bricks of `known` that are not -1, or code what fills them; context: three neighbours behind."""
    many = fills.size
    for z in range(known.shape[0]):
        for y in range(known.shape[1]):
            for x in range(known.shape[2]):
                if known[z, y, x] == -1:
                    continue
                context = np.int64(0)
                for neighbour in (
                    known[z, y, x - 1] if x > 0 else -1,
                    known[z, y - 1, x] if y > 0 else -1,
                    known[z - 1, y, x] if z > 0 else -1,
                ):
                    context = context * (many + 1) + _place(fills, neighbour)
                wanted = _place(fills, known[z, y, x]) if encode else 0
                # The last value needs no decision.
                chosen = many - 1
                for i in range(many - 1):
                    slot = context * many + i
                    p = min(max(np.int64(counters[slot] >> 16), 32), 65504)
                    bit = code_bit(state, buffer, p, 1 if wanted == i else 0, encode)
                    counters[slot] = counter_update(counters[slot], bit, 250)
                    if bit:
                        chosen = i
                        break
                known[z, y, x] = fills[chosen]
