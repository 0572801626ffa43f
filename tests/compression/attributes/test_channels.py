"""Channels come back exactly, in whole and in part; damage is an error; smooth channels cost less than noise."""

import numpy as np
import pytest
from geo3d_compression.attributes.channels import ChannelRange, decode_channels, encode_channels
from geo3d_compression.attributes.order import CodingOrder, build_order
from hypothesis import given, settings
from hypothesis import strategies as st

from geo3d.errors import BitstreamError
from geo3d.ops import morton_decode, morton_encode

INT64 = np.iinfo(np.int64)


def small_order(n: int = 400, depth: int = 4) -> CodingOrder:
    return build_order(np.unique(morton_encode(np.random.default_rng(0).integers(0, 1 << depth, (n, 3)))), depth)


ORDER = small_order()
N = len(ORDER.neighbours)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(INT64.min, INT64.max), st.integers(INT64.min, INT64.max), st.integers(1, 4), st.booleans(),
    st.integers(0, 2**32),
)  # fmt: skip
def test_round_trip_over_any_range(a: int, b: int, channels: int, flat: bool, seed: int) -> None:
    low, high = min(a, b), max(a, b)
    values = np.random.default_rng(seed).integers(low, high, (N, channels), endpoint=True)
    values[:2] = [[low], [high]]
    ranges = [ChannelRange(low, high, flat)] * channels
    streams = encode_channels(ORDER, values, ranges, [N // 3, N])
    assert np.array_equal(decode_channels(ORDER, streams, ranges, [N // 3, N], N), values)


def test_a_constant_channel_costs_nothing() -> None:
    streams = encode_channels(ORDER, np.full((N, 1), 7), [ChannelRange(7, 7)], [N])
    assert sum(map(len, streams)) <= 4


def test_smooth_is_smaller_than_noise() -> None:
    depth = 6
    axis = np.arange(1 << depth)
    xyz = np.stack([*np.meshgrid(axis, axis, indexing="ij"), np.full((64, 64), 9)], -1).reshape(-1, 3)
    codes = np.sort(morton_encode(xyz))
    order = build_order(codes, depth)
    smooth = np.zeros((len(codes), 1), np.int64)
    smooth[order.position, 0] = (morton_decode(codes) @ [2, 1, 0]) // 2
    noise = np.random.default_rng(0).integers(0, 96, smooth.shape)
    sizes = [len(encode_channels(order, v, [ChannelRange(0, 96)], [len(codes)])[0]) for v in (smooth, noise)]
    assert sizes[0] * 4 < sizes[1]
    # Uniform noise cannot be beaten, and must not be made much worse.
    ideal = len(codes) * np.log2(96) / 8
    assert 0.99 * ideal < sizes[1] < 1.1 * ideal


def test_truncated_and_damaged_streams_are_errors_or_values_in_range() -> None:
    rng = np.random.default_rng(3)
    values = rng.integers(-50, 50, (N, 2))
    ranges = [ChannelRange(-50, 49)] * 2
    (data,) = encode_channels(ORDER, values, ranges, [N])
    with pytest.raises(BitstreamError):
        decode_channels(ORDER, [data[: len(data) // 2]], ranges, [N], N)
    with pytest.raises(BitstreamError):
        decode_channels(ORDER, [data + b"more"], ranges, [N], N)
    for _ in range(50):
        broken = bytearray(data)
        broken[rng.integers(len(broken))] ^= 1 << rng.integers(8)
        try:
            back = decode_channels(ORDER, [bytes(broken)], ranges, [N], N)
        except BitstreamError:
            continue
        assert back.min() >= -50
        assert back.max() <= 49
