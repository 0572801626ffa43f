"""NumPy arrays that are pictures: uint8 or uint16, [H, W] or [H, W, 1 to 4], in C order."""

from __future__ import annotations

import numpy as np

from geo3d.errors import FormatError
from geo3d.io.points.npy import parse_npy_header
from geo3d_compression.image.raw import RawFile, cut

SIGNATURE = b"\x93NUMPY"
# Narrower arrays of two dimensions are tables.
_LEAST_SIDE = 32
_MOST_CHANNELS = 4
_MOST_HEADER = 1 << 16


def is_picture(shape: tuple[int, ...], dtype: np.dtype) -> bool:  # type: ignore[type-arg]
    """Whether an array is taken for a picture: 8 or 16 bits, two large sides, at most four channels."""
    if dtype not in (np.dtype(np.uint8), np.dtype("<u2"), np.dtype(">u2")) or len(shape) not in (2, 3):
        return False
    return min(shape[:2]) >= _LEAST_SIDE and (len(shape) == 2 or 3 <= shape[2] <= _MOST_CHANNELS)


def parse_npy(data: bytes) -> RawFile:
    """Take a file apart.  Raises `FormatError` where its array is no picture (of any size), or truncated."""
    shape, fortran, dtype, start = parse_npy_header(data[:_MOST_HEADER], "a .npy picture")
    whole = (*shape, 1) if len(shape) == 2 else shape
    kinds = (np.dtype(np.uint8), np.dtype("<u2"), np.dtype(">u2"))
    if dtype not in kinds or len(whole) != 3 or not 1 <= whole[2] <= _MOST_CHANNELS or 0 in whole or fortran:
        order = " in Fortran order" if fortran else ""
        raise FormatError(
            f"a picture is uint8 or uint16 [H, W] or [H, W, 1 to 4] in C order, got {dtype} {list(shape)}{order}"
        )
    return cut(data, start, (whole[0], whole[1], whole[2]), dtype.itemsize == 2, dtype.byteorder != ">", ".npy")
