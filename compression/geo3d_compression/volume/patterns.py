"""Voxels of any numeric dtype as ordered integers, bit for bit: -0.0, infinities and every NaN included."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

DTYPES = (
    "int8", "uint8", "int16", "uint16", "int32", "uint32", "float32",
    "bool", "float16", "int64", "uint64", "float64",
)  # fmt: skip


def to_integers(voxels: NDArray[Any]) -> NDArray[np.int64]:
    """Integers in the order of the values; floats by their bit patterns, negative ones mirrored below zero."""
    if voxels.dtype.kind == "f":
        bits = 8 * voxels.dtype.itemsize
        signed = voxels.view(f"i{voxels.dtype.itemsize}").astype(np.int64)
        # A negative float is sign and magnitude: the more magnitude, the smaller the value.
        return np.where(signed < 0, (-(1 << (bits - 1)) - 1) - signed, signed) if bits < 64 else _mirror64(signed)
    if voxels.dtype == np.uint64:
        return (voxels ^ np.uint64(1 << 63)).view(np.int64)
    return voxels.astype(np.int64)


def from_integers(integers: NDArray[np.int64], dtype: np.dtype[Any]) -> NDArray[Any]:
    """The voxels that `to_integers` was given."""
    if dtype.kind == "f":
        bits = 8 * dtype.itemsize
        signed = (
            np.where(integers < 0, (-(1 << (bits - 1)) - 1) - integers, integers) if bits < 64 else _mirror64(integers)
        )
        return signed.astype(f"i{dtype.itemsize}").view(dtype)
    if dtype == np.uint64:
        return integers.view(np.uint64) ^ np.uint64(1 << 63)
    return integers.astype(dtype)


def _mirror64(signed: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.where(signed < 0, np.int64(-(1 << 63)) ^ ~signed, signed)
