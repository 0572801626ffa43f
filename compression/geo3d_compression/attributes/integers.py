"""Reversible maps of one attribute channel, of any numeric dtype, to a small range of integers.

plain    the integers themselves
decimal  floats that are multiples of 1/divisor (0.37 -> 37): the integers they stand for
bits     other floats: their bits, rearranged so that the order of the numbers is kept
palette  a channel with few distinct values: their rank; the values stand in the header
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from geo3d_compression.container.fields import Blob, Choice, Cursor, Field, SInt, UInt, pack, put_varint, unpack
from numpy.typing import NDArray

from geo3d.errors import BitstreamError

# The order is the number in the file: append only.
DTYPES = (
    "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float16", "float32", "float64", "bool",
)  # fmt: skip
KINDS = ("plain", "decimal", "bits", "palette")
_DIVISORS = (*(float(10**k) for k in range(7)), 255.0, 65535.0, *(float(2**k) for k in range(1, 17)))
_LARGEST_DECIMAL = 2**40
_PALETTE_LIMIT = 1024
_PALETTE_BYTES = 1 << 16
_SAMPLE = 4096

FIELDS: tuple[Field, ...] = (
    Choice("dtype", DTYPES),
    Choice("kind", KINDS),
    SInt("low", 1 << 63),
    SInt("high", 1 << 63),
    UInt("divisor", 10**9),
    Blob("palette", _PALETTE_BYTES),
)


@dataclass(frozen=True)
class IntegerMap:
    """How a channel became integers in `low` ... `high` (see the module)."""

    dtype: str
    kind: str
    low: int
    high: int
    divisor: float = 0.0
    palette: bytes = b""

    def pack(self) -> bytes:
        """Header bytes."""
        return pack(FIELDS, vars(self))

    @staticmethod
    def unpack(cursor: Cursor) -> IntegerMap:
        """Read what `pack` wrote."""
        result = IntegerMap(**unpack(FIELDS, cursor))
        if result.low > result.high or result.high >= 1 << 63:
            raise BitstreamError(f"an attribute ranges from {result.low} to {result.high}")
        if (result.kind == "decimal") != (result.divisor > 0):
            raise BitstreamError(f"an attribute of kind '{result.kind}' has the divisor {result.divisor}")
        if result.kind == "palette" and (result.low, result.high) != (0, len(result.values()) - 1):
            raise BitstreamError("an attribute's palette does not fit its range")
        return result

    def values(self) -> NDArray[np.int64]:
        """The palette."""
        cursor, out = Cursor(self.palette, "palette"), [0]
        while cursor.left:
            u = cursor.varint()
            # The first value is signed, later ones are rises.
            value = (-(u + 1 >> 1) if u & 1 else u >> 1) if len(out) == 1 else out[-1] + u
            if not -(1 << 63) <= value < 1 << 63:
                raise BitstreamError("a palette leaves the range of 64-bit integers")
            out.append(value)
        return np.array(out[1:], np.int64)

    def integers(self, channel: NDArray[Any]) -> NDArray[np.int64]:
        """A channel [N] of values that the map was made of."""
        if self.kind == "decimal":
            return np.rint(channel.astype(np.float64) * self.divisor).astype(np.int64)
        ordered = to_ordered(channel)
        return np.searchsorted(self.values(), ordered).astype(np.int64) if self.kind == "palette" else ordered

    def restore(self, integers: NDArray[np.int64]) -> NDArray[Any]:
        """The channel's values, in its dtype, bit for bit."""
        if integers.size and (integers.min() < self.low or integers.max() > self.high):
            raise BitstreamError("an attribute leaves the range that its header declares")
        dtype = np.dtype(self.dtype)
        if self.kind == "decimal":
            return (integers / self.divisor).astype(dtype)
        return from_ordered(self.values()[integers] if self.kind == "palette" else integers, dtype)


def to_integers(channel: NDArray[Any]) -> tuple[IntegerMap, NDArray[np.int64]]:
    """The map of a [N] channel, N > 0, and its integers."""
    survey = ChannelSurvey()
    survey.add(channel, is_last=True)
    result = survey.map()
    return result, result.integers(channel)


class ChannelSurvey:
    """The map of a channel that comes in pieces: that of all of them as one."""

    def __init__(self) -> None:
        self._dtype = np.dtype(np.uint8)
        self._low, self._high = (1 << 63) - 1, -(1 << 63)
        self._divisors = _DIVISORS
        self._values: NDArray[np.int64] | None = np.zeros(0, np.int64)

    def add(self, channel: NDArray[Any], is_last: bool = False) -> None:
        """Look at a piece [N], N > 0; of the last one less need be found out."""
        self._dtype = channel.dtype
        ordered = to_ordered(channel)
        self._low, self._high = min(self._low, int(ordered.min())), max(self._high, int(ordered.max()))
        if channel.dtype.kind == "f":
            sample = channel[:: max(1, len(channel) // _SAMPLE)]
            good = (d for d in self._divisors if _is_decimal(sample, d) and _is_decimal(channel, d))
            self._divisors = tuple(islice(good, 1 if is_last else None))
            if is_last and self._divisors:
                return
        if self._values is not None and len(np.unique(ordered[:_SAMPLE])) <= _PALETTE_LIMIT:
            self._values = np.union1d(self._values, ordered)
        else:
            self._values = None
        if self._values is not None and len(self._values) > _PALETTE_LIMIT:
            self._values = None

    def map(self) -> IntegerMap:
        """What the pieces so far have in common."""
        name, low, high = self._dtype.name, self._low, self._high
        if self._dtype.kind == "f" and self._divisors:
            ends = from_ordered(np.array([low, high]), self._dtype).astype(np.float64)
            # Rounding keeps the order of the numbers.
            first, last = (int(v) for v in np.rint(ends * self._divisors[0]))
            return IntegerMap(name, "decimal", first, last, self._divisors[0])
        values = self._values
        # Dense ranges stay as they are: neighbouring ranks would be no closer than neighbouring values.
        if (
            values is not None
            and high - low > 4 * len(values)
            and len(table := _pack_palette(values)) <= _PALETTE_BYTES
        ):
            return IntegerMap(name, "palette", 0, len(values) - 1, palette=table)
        return IntegerMap(name, "bits" if self._dtype.kind == "f" else "plain", low, high)


def _is_decimal(channel: NDArray[Any], divisor: float) -> bool:
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = channel.astype(np.float64) * divisor
    if not np.isfinite(scaled).all() or np.abs(scaled).max(initial=0) > _LARGEST_DECIMAL:
        return False
    again = (np.rint(scaled).astype(np.int64) / divisor).astype(channel.dtype)
    # Bits, not values: -0.0 is no decimal.
    return again.tobytes() == np.ascontiguousarray(channel).tobytes()


def _pack_palette(values: NDArray[np.int64]) -> bytes:
    out = bytearray()
    numbers = [int(v) for v in values]
    for k, value in enumerate(numbers):
        put_varint(out, value - numbers[k - 1] if k else 2 * value if value >= 0 else -2 * value - 1)
    return bytes(out)


def to_ordered(channel: NDArray[Any]) -> NDArray[np.int64]:
    """Values as int64 in the order of the numbers; of floats the bits, the lower ones of negatives turned around."""
    if channel.dtype.kind == "f":
        width = channel.dtype.itemsize
        bits = np.ascontiguousarray(channel).view(f"i{width}").astype(np.int64)
        return np.where(bits < 0, bits ^ ((1 << 8 * width - 1) - 1), bits)
    if channel.dtype == np.uint64:
        return (channel ^ np.uint64(1 << 63)).view(np.int64)
    return channel.astype(np.int64)


def from_ordered(ordered: NDArray[np.int64], dtype: np.dtype[Any]) -> NDArray[Any]:
    """The inverse of `to_ordered`."""
    if dtype.kind == "f":
        bits = np.where(ordered < 0, ordered ^ ((1 << 8 * dtype.itemsize - 1) - 1), ordered)
        return bits.astype(f"i{dtype.itemsize}").view(dtype)
    if dtype == np.uint64:
        return ordered.view(np.uint64) ^ np.uint64(1 << 63)
    return ordered.astype(dtype)
