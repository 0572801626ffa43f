"""Pinned streams: what this version writes, every later version must read (and this one must write again)."""

import numpy as np
from geo3d_compression.attributes.channels import ChannelRange, decode_channels, encode_channels
from geo3d_compression.attributes.lossy import decode_colors, encode_colors, split_levels
from geo3d_compression.attributes.order import build_order
from geo3d_compression.cloud.order import decode_permutation, encode_permutation
from numpy.typing import NDArray

from geo3d.ops import morton_decode, morton_encode

DEPTH = 4
CHANNELS = (
    "d1fa18fb623f6c0996f8b44433162f0dc0fe73a0e162e619bb926829baa6513acf577d70dc0b9fc32392392b4a000155b906"
    "2454156272f689a4a5ce66a2-b320acc6c2706b368d43c4217ca10df07fe4762294f2764018474f803dd518ae1c1af28e91a"
    "e7cd1b53e716593248949ffc20121a46f314e8cfb5e874d0fcf80"
)
COLORS = [
    ("a1029b000702b7aaf2b3bcde2970b1b0b50109fbea36c60022fc940e5b3a94b6c256da56a6437d7504d9705cae80"),
    ("00598b47d3aa83009347f7b86398b9be061a5cdbf3bb776fd5bbab16a12a868a5badda2da78334f122d6f67925a345e0"),
]
PERMUTATION = "80a013fbb288a7c7d18cce76bf8f1dc8a39bb86fc948"


def codes() -> NDArray[np.int64]:
    axis = np.arange(16)
    x, y = np.meshgrid(axis, axis, indexing="ij")
    return np.sort(morton_encode(np.stack([x, y, (x * x + 3 * y) // 20 % 16], -1).reshape(-1, 3)))[::3].copy()


def values() -> NDArray[np.int64]:
    xyz = morton_decode(codes())
    return np.stack([xyz @ [7, 3, 1] + xyz[:, 0] * 37 % 11, xyz @ [-2, 5, 0] - xyz[:, 1] * 53 % 7], axis=1)


def test_channels() -> None:
    order = build_order(codes(), DEPTH)
    truth = np.zeros_like(values())
    truth[order.position] = values()
    ranges = [ChannelRange(0, 300), ChannelRange(-100, 100)]
    cuts = [40, len(truth)]
    streams = encode_channels(order, truth, ranges, cuts)
    assert [s.hex() for s in streams] == CHANNELS.split("-")
    golden = [bytes.fromhex(s) for s in CHANNELS.split("-")]
    assert np.array_equal(decode_channels(order, golden, ranges, cuts, len(truth)), truth)


def test_lossy_colors() -> None:
    colors = np.stack([values()[:, 0], values()[:, 1], values()[:, 0] - values()[:, 1]], axis=1) / 2.0
    cuts = split_levels(DEPTH, 2)
    streams = encode_colors(codes(), DEPTH, colors, 48, cuts)
    assert [s.hex() for s in streams] == COLORS
    back = decode_colors(codes(), DEPTH, [bytes.fromhex(s) for s in COLORS], 48, cuts, DEPTH)
    assert np.abs(back - colors).max() < 5


def test_permutation() -> None:
    order = np.arange(60) * 7 % 60
    rank = np.argsort(order)
    assert encode_permutation(order).hex() == PERMUTATION
    assert np.array_equal(decode_permutation(bytes.fromhex(PERMUTATION), 60), rank)
