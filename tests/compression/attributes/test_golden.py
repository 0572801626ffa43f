"""Pinned streams: what this version writes, every later version must read (and this one must write again)."""

import numpy as np
import pytest
from geo3d_compression.attributes.channels import ChannelRange, decode_channels, encode_channels
from geo3d_compression.attributes.color import RANGES, forward, inverse
from geo3d_compression.attributes.lossy import decode_colors, encode_colors, split_levels
from geo3d_compression.attributes.narrow.codec import decode_narrow, encode_narrow
from geo3d_compression.attributes.order import build_order
from geo3d_compression.attributes.surroundings import find_surroundings
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
    ("a1029b000702687c63d2b48628d2c26c7413ebf99f8440416cd282aea6f638406afa027090d243eaaca7e270"),
    ("8886629ce5db1570057adbf819197470aa4886e3c588f38b68ea5bce60c4bf0c24af5ee09bb2f6b980"),
]
NARROW: dict[str, list[str]] = {
    "green": [
        (
            "0000a7be0f85bd5bfe95bdd12a4e295078862289e896c834f72713dcb7a466a2924b2bdf98a561fbaca76960d1996038b480"
            "5f6f02e3aa366ac3f12c7912d95a3674d78250cfeafd6d0855d01b17a371056599a7bc5bd037f9539339687de330fa26d562"
            "afb0eac71254b605b0"
        ),
        (
            "ed6ed5ab2d09ffb9932c10ac06fc8621faafed32e52de8106bc7cc4e99c62f47c0109b6efe69f56c7070bd1fb47ccd6a212a"
            "1b81d650f4f8d4ea85347abcfbff2944a610748622194d1b9f551a4f1a4c4fa062750708ccfda4f7377d721321389ad5a76a"
            "b4711bde5048ce792df2137dab"
        ),
    ],
    "jpeg": [
        (
            "0001754150974117a1cbdc3dc36e058ea923ed403e890b6f2e9f7df15e3f5c8d5b095a8af414eff95fb3129dbe153fe59fef"
            "405ce036924022adc24e1d2696a722bfe98f675a533a8a1352e3bddd06ecb285382142071b4b79ee28d1f23a5877a283b264"
            "bd4aa0"
        ),
        (
            "40a734bbef9d1fa03192acda8e148546077c58be73145ef3bba2be40e870e7fb88e9d1a29c78036dcda3c5b7db2c3f7e2778"
            "c4825c9d7fcd85a51499f48b65f914ae40f855653d43f663631eb898bb583e8354e78129adf5e3af6a1c7d74dd42d0e62e31"
            "2277e63294fdf8"
        ),
    ],
}
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


def colors_of_points() -> NDArray[np.uint8]:
    xyz = morton_decode(codes())
    rgb = xyz @ [[9, 3, 1], [1, 7, 4], [5, 2, 8]] + xyz[:, :1] * 29 % 17
    rgb[::5] = [200, 40, 90]
    return rgb.astype(np.uint8)


@pytest.mark.parametrize("transform", list(NARROW))
def test_narrow(transform: str) -> None:
    order = build_order(codes(), DEPTH)
    around = find_surroundings(codes(), DEPTH, order)
    channels = forward(colors_of_points(), transform)
    truth = np.zeros_like(channels)
    truth[order.position] = channels
    ranges, cuts, joined = [ChannelRange(*r) for r in RANGES[transform]], [40, len(truth)], transform == "jpeg"
    streams = encode_narrow(around, truth, ranges, cuts, joined=joined)
    assert [s.hex() for s in streams] == NARROW[transform]
    golden = [bytes.fromhex(s) for s in NARROW[transform]]
    back = decode_narrow(around, golden, ranges, cuts, len(truth), joined=joined)
    assert np.array_equal(inverse(back[order.position], transform), colors_of_points())


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
