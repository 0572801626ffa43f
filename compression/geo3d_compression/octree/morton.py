"""Morton codes of voxels: bit 3k + 2 is bit k of x, 3k + 1 of y, 3k of z; an octant is 4 x + 2 y + z."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MAX_DEPTH = 21


def morton_encode(voxels: NDArray[np.integer]) -> NDArray[np.int64]:
    """Codes [N] of voxels [N, 3] with coordinates in [0, 2^21)."""
    code = np.zeros(len(voxels), np.int64)
    for axis in range(3):
        code |= _spread(voxels[:, axis].astype(np.int64)) << (2 - axis)
    return code


def morton_decode(code: NDArray[np.int64]) -> NDArray[np.int64]:
    """Voxels [N, 3] of codes [N]."""
    return np.stack([_compact(code >> (2 - axis)) for axis in range(3)], axis=1)


def _spread(x: NDArray[np.int64]) -> NDArray[np.int64]:
    x = (x | (x << 32)) & 0x1F00000000FFFF
    x = (x | (x << 16)) & 0x1F0000FF0000FF
    x = (x | (x << 8)) & 0x100F00F00F00F00F
    x = (x | (x << 4)) & 0x10C30C30C30C30C3
    return (x | (x << 2)) & 0x1249249249249249


def _compact(x: NDArray[np.int64]) -> NDArray[np.int64]:
    x = x & 0x1249249249249249
    x = (x | (x >> 2)) & 0x10C30C30C30C30C3
    x = (x | (x >> 4)) & 0x100F00F00F00F00F
    x = (x | (x >> 8)) & 0x1F0000FF0000FF
    x = (x | (x >> 16)) & 0x1F00000000FFFF
    return (x | (x >> 32)) & 0x1FFFFF
