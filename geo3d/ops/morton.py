"""Morton (Z-order) codes: 21 bits an axis, interleaved x y z in one int64, x in the highest of each three.

Bits are spread by the magic-number method (Anderson, Bit Twiddling Hacks, "Interleave bits by Binary Magic Numbers").
"""

from __future__ import annotations

from typing import Any

import numpy as np

from geo3d.errors import ShapeError
from geo3d.ops._arrays import as_array, cast, check_last, is_tensor, namespace

BITS = 21
_STEPS = (
    (32, 0x1F00000000FFFF),
    (16, 0x1F0000FF0000FF),
    (8, 0x100F00F00F00F00F),
    (4, 0x10C30C30C30C30C3),
    (2, 0x1249249249249249),
)


def morton_encode(coords: Any) -> Any:
    """[...] int64 codes of integer coordinates [..., 3] in 0 … 2^21 − 1 (numpy or torch)."""
    coords = check_last(as_array(coords), 3, "coords")
    xp = namespace(coords)
    integer = not coords.dtype.is_floating_point if is_tensor(coords) else coords.dtype.kind in "iu"
    if not integer:
        raise ShapeError(f"Morton codes need integer coordinates, got {coords.dtype}; voxelize first")
    if np.prod(coords.shape) and (int(coords.min()) < 0 or int(coords.max()) >= 1 << BITS):
        raise ShapeError(
            f"Morton codes hold coordinates 0 to {(1 << BITS) - 1}, got {int(coords.min())} to {int(coords.max())}"
        )
    c = cast(coords, xp.int64)
    return _spread(c[..., 0]) << 2 | _spread(c[..., 1]) << 1 | _spread(c[..., 2])


def morton_decode(codes: Any) -> Any:
    """[..., 3] int64 coordinates of codes [...]: the inverse of `morton_encode`."""
    codes = as_array(codes)
    xp = namespace(codes)
    codes = cast(codes, xp.int64)
    return xp.stack([_gather(codes >> 2), _gather(codes >> 1), _gather(codes)], -1)


def _spread(x: Any) -> Any:
    for shift, mask in _STEPS:
        x = (x | x << shift) & mask
    return x


def _gather(x: Any) -> Any:
    x = x & _STEPS[-1][1]
    masks = [mask for _, mask in _STEPS]
    for (shift, _), mask in zip(reversed(_STEPS), [*reversed(masks[:-1]), (1 << BITS) - 1], strict=True):
        x = (x | x >> shift) & mask
    return x
