"""Streams of channels of up to 16 bits, coded by the rich model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from geo3d_compression.attributes.channels import MAX_CHANNELS, ChannelRange
from geo3d_compression.attributes.lattice import REMAINDERS
from geo3d_compression.attributes.narrow.kernel import code_points
from geo3d_compression.attributes.narrow.limits import is_narrow
from geo3d_compression.attributes.narrow.state import new_model
from geo3d_compression.attributes.surroundings import Surroundings
from geo3d_compression.entropy.coder import check_decoder, finish, new_decoder, new_encoder
from numpy.typing import NDArray

from geo3d.errors import BitstreamError

# Decisions that a value and a remainder take at most.
_DECISIONS = 2 + 2 * 16
_REMAINDER_DECISIONS = REMAINDERS


def encode_narrow(
    around: Surroundings,
    values: NDArray[np.int64],
    ranges: Sequence[ChannelRange],
    cuts: Sequence[int],
    *,
    joined: bool = False,
) -> list[bytes]:
    """Code [N, C] values (coding order) into one stream a group; `cuts` are the ends of the groups, the last one N.

    joined : the channels are Y, Cb, Cr and remainder of `lattice`
    """
    coder = _Coder(around, ranges, len(values), joined)
    C = len(coder.low)
    coder.model.seen.values[:] = values[:, :C] - coder.low
    if joined:
        coder.model.seen.remainder[:] = values[:, C]
    streams, first = [], 0
    for last in cuts:
        state, buffer = new_encoder(max(1, (last - first) * (C * _DECISIONS + joined * _REMAINDER_DECISIONS)))
        coder.run(first, last, state, buffer, encode=True)
        streams.append(finish(state, buffer))
        first = last
    return streams


def decode_narrow(
    around: Surroundings,
    streams: Sequence[bytes],
    ranges: Sequence[ChannelRange],
    cuts: Sequence[int],
    total: int,
    *,
    joined: bool = False,
) -> NDArray[np.int64]:
    """The first cuts[-1] values [M, C] in coding order, one stream a group.

    `total` is the number of values that were encoded; where there are fewer points, the last stream is read in part.
    """
    coder = _Coder(around, ranges, total, joined)
    first = 0
    for data, last in zip(streams, cuts, strict=True):
        state, buffer = new_decoder(data)
        if coder.run(first, last, state, buffer, encode=False):
            raise BitstreamError("an attribute stream is damaged: a value leaves its declared range")
        if total == len(around.near) or last < cuts[-1]:
            check_decoder(state, buffer, "attribute stream")
        first = last
    seen = coder.model.seen
    values = seen.values[:first] + coder.low
    return np.concatenate([values, seen.remainder[:first, None]], axis=1) if joined else values


class _Coder:
    """The model of some channels, and what it walks along."""

    def __init__(self, around: Surroundings, ranges: Sequence[ChannelRange], total: int, joined: bool) -> None:
        if not 1 <= len(ranges) <= MAX_CHANNELS or not is_narrow(ranges):
            raise ValueError(f"1 to {MAX_CHANNELS} channels of up to 16 bits are coded together, got {ranges}")
        if joined and len(ranges) != 4:
            raise ValueError(f"Y, Cb, Cr and remainder are four channels, got {len(ranges)}")
        coded = ranges[:3] if joined else ranges
        self.around = around
        self.low = np.array([r.low for r in coded], np.int64)
        self.model = new_model(len(around.near), [r.span for r in coded], total, joined)

    def run(self, first: int, last: int, state: NDArray[np.int64], buffer: NDArray[np.uint8], *, encode: bool) -> bool:
        """Code points first ... last; True if a decoded value is none that an encoder writes."""
        a = self.around
        return bool(code_points(first, last, a.near, a.place, a.level, self.low, self.model, state, buffer, encode))
