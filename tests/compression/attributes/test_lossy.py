"""Lossy colours: the error follows the quality, a level has the means of its nodes, damage is an error."""

import numpy as np
import pytest
from geo3d_compression.attributes.lossy import (
    decode_colors,
    encode_colors,
    rgb_to_ycc,
    split_levels,
    step_of_quality,
    ycc_to_rgb,
)
from numpy.typing import NDArray

from geo3d.errors import BitstreamError
from geo3d.ops import morton_decode, morton_encode

DEPTH = 6


def painted_sphere() -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    rng = np.random.default_rng(0)
    u = rng.normal(size=(20000, 3))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    codes = np.unique(morton_encode(np.rint(31.5 + 31 * u).astype(np.int64)))
    xyz = morton_decode(codes)
    colors = 128 + 70 * np.sin(xyz / [5.0, 7.0, 9.0]) + rng.normal(size=xyz.shape) * 4
    return codes, colors.clip(0, 255).astype(np.uint8)


CODES, COLORS = painted_sphere()
YCC = rgb_to_ycc(COLORS)
CUTS = split_levels(DEPTH, 2)


def test_colour_space_round_trip() -> None:
    assert np.array_equal(ycc_to_rgb(YCC), COLORS)
    assert rgb_to_ycc(np.array([[255, 255, 255]], np.uint8))[0].tolist() == pytest.approx([255, 0, 0], abs=1e-9)


def test_quality_trades_bits_for_error() -> None:
    sizes, errors = [], []
    for quality in (100, 85, 60, 30, 0):
        step = step_of_quality(quality)
        streams = encode_colors(CODES, DEPTH, YCC, step, CUTS)
        back = decode_colors(CODES, DEPTH, streams, step, CUTS, DEPTH)
        sizes.append(sum(map(len, streams)))
        errors.append(float(np.sqrt(np.mean((back - YCC) ** 2))))
        # A uniform quantiser of step s with a dead zone errs by less than s on an orthonormal basis.
        assert errors[-1] < step / 16 * 1.25
    assert sizes == sorted(sizes, reverse=True)
    assert errors == sorted(errors)
    assert sizes[-1] * 20 < sizes[0]


def test_chroma_that_follows_luma_costs_little() -> None:
    luma = YCC[:, :1]
    tied = np.concatenate([luma, 40 - luma / 2, luma / 3], axis=1)
    step, cuts = step_of_quality(70), [DEPTH]
    alone, both = (
        sum(map(len, encode_colors(CODES, DEPTH, c, step, cuts))) for c in (tied * [1, 0, 0] + [0, 40, 0], tied)
    )
    assert both < 1.15 * alone


def test_one_voxel_and_one_colour() -> None:
    one = encode_colors(np.zeros(1, np.int64), 0, YCC[:1], 16, [0])
    assert np.abs(decode_colors(np.zeros(1, np.int64), 0, one, 16, [0], 0) - YCC[:1]).max() < 0.1
    flat = np.broadcast_to(YCC[:1], YCC.shape)
    (data,) = encode_colors(CODES, DEPTH, flat, 16, [DEPTH])
    assert len(data) < 60
    assert np.abs(decode_colors(CODES, DEPTH, [data], 16, [DEPTH], DEPTH) - flat).max() < 0.1


@pytest.mark.parametrize("level", [0, 2, 4, 5])
def test_a_level_has_the_means_of_its_nodes(level: int) -> None:
    step = step_of_quality(100)
    streams = encode_colors(CODES, DEPTH, YCC, step, CUTS)
    groups = 1 if level <= CUTS[0] else 2
    means = decode_colors(CODES, DEPTH, streams[:groups], step, CUTS[:groups], level)
    nodes, inverse = np.unique(CODES >> 3 * (DEPTH - level), return_inverse=True)
    truth = np.stack([np.bincount(inverse, YCC[:, c]) for c in range(3)], axis=1) / np.bincount(inverse)[:, None]
    assert means.shape == (len(nodes), 3)
    assert np.abs(means - truth).max() < 1.5


def test_damage_is_an_error_or_other_colours() -> None:
    step = step_of_quality(70)
    (data,) = encode_colors(CODES, DEPTH, YCC, step, [DEPTH])
    with pytest.raises(BitstreamError):
        decode_colors(CODES, DEPTH, [data[:3]], step, [DEPTH], DEPTH)
    with pytest.raises(BitstreamError):
        decode_colors(CODES, DEPTH, [data[: len(data) // 2]], step, [DEPTH], DEPTH)
    rng = np.random.default_rng(0)
    for _ in range(30):
        broken = bytearray(data)
        broken[rng.integers(len(broken))] ^= 1 << rng.integers(8)
        try:
            back = decode_colors(CODES, DEPTH, [bytes(broken)], step, [DEPTH], DEPTH)
        except BitstreamError:
            continue
        assert back.shape == YCC.shape
        ycc_to_rgb(back)
