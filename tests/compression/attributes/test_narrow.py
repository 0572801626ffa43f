"""The rich model: channels come back exactly, in whole and in part; damage is an error; it pays where it should."""

import numpy as np
import pytest
from geo3d_compression.attributes.channels import ChannelRange, encode_channels
from geo3d_compression.attributes.color import RANGES, forward, inverse
from geo3d_compression.attributes.narrow.codec import decode_narrow, encode_narrow
from geo3d_compression.attributes.order import CodingOrder, build_order
from geo3d_compression.attributes.surroundings import Surroundings, find_surroundings
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from geo3d.errors import BitstreamError
from geo3d.ops import morton_decode, morton_encode

DEPTH = 6


def surface(n: int = 1200, seed: int = 0) -> NDArray[np.int64]:
    xy = np.random.default_rng(seed).integers(0, 1 << DEPTH, (n, 2))
    z = (xy[:, 0] ** 2 // 40 + xy[:, 1]) // 3 % (1 << DEPTH)
    return np.unique(morton_encode(np.column_stack([xy, z])))


CODES = surface()
ORDER = build_order(CODES, DEPTH)
AROUND = find_surroundings(CODES, DEPTH, ORDER)
N = len(CODES)


def picture() -> NDArray[np.uint8]:
    """[N, 3] RGB in coding order: smooth, with noise and a patch of one colour."""
    xyz = morton_decode(CODES)
    rgb = xyz @ [[3, 1, 0], [0, 2, 1], [1, 0, 1]] + np.random.default_rng(1).integers(0, 6, (N, 3))
    rgb[xyz[:, 0] < 20] = [200, 10, 90]
    out = np.zeros((N, 3), np.uint8)
    out[ORDER.position] = rgb.clip(0, 255)
    return out


@settings(max_examples=25, deadline=None)
@given(
    st.integers(-(1 << 62), 1 << 62), st.integers(0, (1 << 16) - 1), st.integers(1, 16), st.integers(0, 2**32),
    st.booleans(),
)  # fmt: skip
def test_round_trip_over_any_narrow_range(low: int, span: int, channels: int, seed: int, extreme: bool) -> None:
    rng = np.random.default_rng(seed)
    steps = rng.choice([0, span], (N, channels)) if extreme else rng.integers(0, span, (N, channels), endpoint=True)
    ranges = [ChannelRange(low, low + span)] * channels
    streams = encode_narrow(AROUND, low + steps, ranges, [N // 3, N])
    assert np.array_equal(decode_narrow(AROUND, streams, ranges, [N // 3, N], N), low + steps)


@pytest.mark.parametrize("transform", ["none", "ycocg", "green", "jpeg"])
def test_colours_come_back_and_are_smaller_than_plain(transform: str) -> None:
    channels = forward(picture(), transform)
    ranges = [ChannelRange(*r) for r in RANGES[transform]]
    streams = encode_narrow(AROUND, channels, ranges, [N], joined=transform == "jpeg")
    back = decode_narrow(AROUND, streams, ranges, [N], N, joined=transform == "jpeg")
    assert np.array_equal(inverse(back, transform), picture())
    if transform == "ycocg":
        assert len(streams[0]) < len(encode_channels(ORDER, channels, ranges, [N])[0])


def test_colours_of_jpeg_cost_less_as_what_they_were() -> None:
    rgb = inverse(np.append(forward(picture(), "jpeg")[:, :3], np.zeros((N, 1), np.int64), 1), "jpeg").astype(np.uint8)
    sizes = {}
    for transform in ("ycocg", "jpeg"):
        ranges = [ChannelRange(*r) for r in RANGES[transform]]
        streams = encode_narrow(AROUND, forward(rgb, transform), ranges, [N], joined=transform == "jpeg")
        sizes[transform] = len(streams[0])
    assert sizes["jpeg"] < 0.95 * sizes["ycocg"]


def test_a_constant_channel_costs_next_to_nothing() -> None:
    (data,) = encode_narrow(AROUND, np.full((N, 1), 7), [ChannelRange(7, 7)], [N])
    assert len(data) <= 16


def test_noise_is_not_made_much_worse() -> None:
    noise = np.random.default_rng(0).integers(0, 96, (N, 1))
    (data,) = encode_narrow(AROUND, noise, [ChannelRange(0, 95)], [N])
    ideal = N * np.log2(96) / 8
    assert 0.99 * ideal < len(data) < 1.15 * ideal


def test_a_coarser_cloud_reads_a_prefix() -> None:
    channels = forward(picture(), "jpeg")
    ranges = [ChannelRange(*r) for r in RANGES["jpeg"]]
    cuts = [int(ORDER.starts[DEPTH - 1]), N]
    streams = encode_narrow(AROUND, channels, ranges, cuts, joined=True)
    for dropped in (1, 2, 3):
        codes = np.unique(CODES >> 3 * dropped)
        order = build_order(codes, DEPTH - dropped)
        around = find_surroundings(codes, DEPTH - dropped, order, missing=dropped)
        M = len(codes)
        ends = [M] if dropped > 1 else [cuts[0], M]
        back = decode_narrow(around, streams[: len(ends)], ranges, ends, N, joined=True)
        assert np.array_equal(back, channels[:M])


def several_points() -> tuple[Surroundings, CodingOrder]:
    counts = np.random.default_rng(5).integers(1, 4, N)
    order = build_order(CODES, DEPTH, counts)
    return find_surroundings(CODES, DEPTH, order, counts), order


def test_several_points_in_a_voxel() -> None:
    around, order = several_points()
    total = int(order.starts[-1])
    values = np.random.default_rng(6).integers(0, 40, (total, 2))
    ranges = [ChannelRange(0, 39)] * 2
    streams = encode_narrow(around, values, ranges, [total])
    assert np.array_equal(decode_narrow(around, streams, ranges, [total], total), values)


@pytest.mark.parametrize("joined", [False, True])
def test_truncated_and_damaged_streams_are_errors_or_values_in_range(joined: bool) -> None:
    rng = np.random.default_rng(3)
    transform = "jpeg" if joined else "green"
    ranges = [ChannelRange(*r) for r in RANGES[transform]]
    (data,) = encode_narrow(AROUND, forward(picture(), transform), ranges, [N], joined=joined)
    for bad in (data[: len(data) // 2], data + b"more", b""):
        with pytest.raises(BitstreamError):
            decode_narrow(AROUND, [bad], ranges, [N], N, joined=joined)
    for _ in range(40):
        broken = bytearray(data)
        broken[rng.integers(len(broken))] ^= 1 << rng.integers(8)
        try:
            back = decode_narrow(AROUND, [bytes(broken)], ranges, [N], N, joined=joined)
        except BitstreamError:
            continue
        for k, r in enumerate(ranges):
            assert r.low <= back[:, k].min()
            assert back[:, k].max() <= r.high


def test_what_it_cannot_code_is_refused() -> None:
    values = np.zeros((N, 1), np.int64)
    for ranges in ([ChannelRange(0, 1 << 16)], [ChannelRange(0, 5, flat=True)], []):
        with pytest.raises(ValueError, match="up to 16 bits"):
            encode_narrow(AROUND, values, ranges, [N])
