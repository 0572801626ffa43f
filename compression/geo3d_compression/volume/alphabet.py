# mypy: allow-untyped-defs, no-check-untyped-defs
"""Which values a volume holds, and whether it pays to say so.

range   every integer from the smallest to the largest
sparse  only those that occur, as a coded bitmap: values keep their distances, but gaps get no probability
table   a list of at most 65,536 integers, coded by rank: floats that are scaled integers, 64-bit labels
float*  every finite number of that type from the smallest to the largest, predicted by value (no -0.0)
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d.errors import BitstreamError, ShapeError
from geo3d_compression.entropy.coder import check_decoder, code_bit, finish, new_decoder, new_encoder
from geo3d_compression.entropy.models import counter_update, new_counters
from geo3d_compression.volume.values import Alphabet, dense_alphabet, float_alphabet, sparse_alphabet

Form = Literal["range", "sparse", "table", "float32", "float16"]
FORMS: tuple[Form, ...] = ("range", "sparse", "table", "float32", "float16")
# Bits of the fraction, and exponents of finite numbers.
_FLOATS: dict[Form, tuple[int, int]] = {"float32": (23, 255), "float16": (10, 31)}
_MOST = 1 << 16
# Neighbouring values among which the share that occurs is counted.
_WINDOW = 8


@dataclass(frozen=True, eq=False)
class Values:
    """The values of a volume: `first` and `last` integer, and what the form keeps."""

    form: Form
    first: int
    last: int
    present: NDArray[np.int64]  # rising, empty for `range`

    @property
    def _all(self) -> bool:
        return self.form == "range" or self.form in _FLOATS

    def alphabet(self) -> Alphabet:
        """What the kernel codes with."""
        if self.form == "range":
            return dense_alphabet(0, self.last - self.first)
        if self.form == "sparse":
            return sparse_alphabet(self.present)
        if self.form in _FLOATS:
            return float_alphabet(self.first, self.last, *_FLOATS[self.form])
        return dense_alphabet(0, len(self.present) - 1)

    def ranks(self, integers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Ranks of integers that all occur."""
        if self._all:
            return integers - self.first
        return np.searchsorted(self.present, integers).astype(np.int64)

    def integers(self, ranks: NDArray[np.int64]) -> NDArray[np.int64]:
        """The inverse of `ranks`."""
        return ranks + self.first if self._all else self.present[ranks]

    def to_bytes(self) -> bytes:
        """The coded list of present values; `first` and `last` stand in the header."""
        if self.form == "sparse":
            return code_bitmap(self.present - self.first, self.last - self.first + 1)
        if self.form == "table":
            return zlib.compress(np.diff(self.present.view(np.uint64)).astype("<u8").tobytes(), 9)
        return b""


def choose(blocks: Iterable[NDArray[np.int64]], dtype: np.dtype[Any]) -> Values:
    """The cheapest form for a volume that is given in blocks, after one pass over them."""
    first, last = np.iinfo(np.int64).max, np.iinfo(np.int64).min
    voxels = 0
    counts: dict[str, NDArray[np.int64]] = {}
    narrow = dtype.itemsize <= 2
    low = -(1 << 15) if dtype.kind in "if" else 0
    histogram = np.zeros(1 << 16, np.int64)
    for block in blocks:
        first, last = min(first, int(block.min())), max(last, int(block.max()))
        voxels += block.size
        if narrow:
            histogram += np.bincount(block.ravel() - low, minlength=1 << 16)
        elif "table" in counts or not counts:
            merged = np.union1d(counts.get("table", np.zeros(0, np.int64)), block)
            counts = {"table": merged} if len(merged) <= _MOST else {"none": merged[:0]}
    none = np.zeros(0, np.int64)
    if narrow:
        present = np.flatnonzero(histogram) + low
        used = histogram[first - low : last - low + 1]
        return Values("sparse", first, last, present) if _pays(used) else Values("range", first, last, none)
    present = counts.get("table", none)
    wide = last - first >= 1 << 32
    pays = len(present) > 0 and (wide or 64 * len(present) < 8 * voxels)
    if wide and not pays:
        raise ShapeError(
            f"a volume of {dtype} with more than {_MOST} different values spreads over more than 32 bits; "
            "convert it to float32 or int32, or keep the file as it is with --codec file"
        )
    if pays and 4 * len(present) < last - first:
        return Values("table", first, last, present)
    return Values("range", first, last, none)


def by_value(values: Values, dtype: np.dtype[Any]) -> Values | None:
    """The same range of floats, predicted by value; None where that form does not hold them."""
    for form, (fraction, exponents) in _FLOATS.items():
        end = exponents << fraction
        if values.form == "range" and dtype.name == form and -1 - end < values.first and values.last < end:
            return replace(values, form=form)
    return None


def _pays(histogram: NDArray[np.int64]) -> bool:
    """Whether leaving gaps out saves clearly more bits than listing them costs."""
    occurs = (histogram > 0).astype(np.float64)
    share = occurs.mean()
    if share == 1.0:
        return False
    window = np.ones(2 * _WINDOW + 1)
    size = np.convolve(np.ones_like(occurs), window)[_WINDOW:-_WINDOW]
    local = np.convolve(occurs, window)[_WINDOW:-_WINDOW] / size
    saved = float((histogram * -np.log2(np.maximum(local, 1 / 64))).sum())
    cost = -len(occurs) * (share * np.log2(share) + (1 - share) * np.log2(1 - share))
    return saved > 3.0 * cost + 256


def parse(form: Form, first: int, last: int, data: bytes) -> Values:
    """Read what `to_bytes` wrote."""
    if last < first or (form == "sparse" and last - first >= _MOST) or (form == "range" and last - first >= 1 << 33):
        raise BitstreamError(f"a volume's values cannot go from {first} to {last} in the form '{form}'")
    if form in _FLOATS:
        fraction, exponents = _FLOATS[form]
        if not -1 - (exponents << fraction) < first <= last < exponents << fraction:
            raise BitstreamError(f"patterns from {first} to {last} are not all finite numbers of type {form}")
    if form == "range" or form in _FLOATS:
        return Values(form, first, last, np.zeros(0, np.int64))
    if form == "sparse":
        return Values(form, first, last, decode_bitmap(data, last - first + 1) + first)
    unpacker = zlib.decompressobj()
    try:
        raw = unpacker.decompress(data, 8 * _MOST)
    except zlib.error as error:
        raise BitstreamError(f"the table of values is damaged: {error}") from error
    if len(raw) % 8 or not unpacker.eof:
        raise BitstreamError("the table of values is damaged or too long")
    steps = np.frombuffer(raw, "<u8").astype(np.uint64)
    present = np.concatenate([[np.uint64(first % (1 << 64))], steps]).cumsum(dtype=np.uint64).view(np.int64)
    if (np.diff(present) <= 0).any() or present[-1] != last:
        raise BitstreamError("the table of values is not rising to its last value")
    return Values(form, first, last, present)


@njit(cache=True, nogil=True)
def _run_bitmap(bits, counters, state, buffer, encode):
    context = 1
    for i in range(bits.size):
        slot = counters[context]
        p = min(max(np.int64(slot >> 16), 32), 65504)
        bit = code_bit(state, buffer, p, np.int64(bits[i]), encode)
        bits[i] = bit
        counters[context] = counter_update(slot, bit, 250)
        context = ((context << 1) | bit) & 255 | 256


def code_bitmap(present: NDArray[np.int64], size: int) -> bytes:
    """A rising list of numbers below `size`, as adaptively coded bits."""
    bits = np.zeros(size, np.uint8)
    bits[present] = 1
    state, buffer = new_encoder(size)
    _run_bitmap(bits, new_counters(512), state, buffer, True)
    return finish(state, buffer)


def decode_bitmap(data: bytes, size: int) -> NDArray[np.int64]:
    """What `code_bitmap` was given; the first and the last number must be in it."""
    bits = np.zeros(size, np.uint8)
    state, buffer = new_decoder(data)
    _run_bitmap(bits, new_counters(512), state, buffer, False)
    check_decoder(state, buffer, "the bitmap of values")
    if not (bits[0] and bits[-1]):
        raise BitstreamError("the bitmap of values does not begin and end with a value")
    return np.flatnonzero(bits).astype(np.int64)
