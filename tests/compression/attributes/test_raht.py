"""The transform: orthonormal, invertible, and blind to what is constant."""

import numpy as np
import pytest
from geo3d_compression.attributes.raht import block, build_levels, forward, inverse, predict, unblock
from numpy.typing import NDArray

from geo3d.ops import morton_encode


def voxels(n: int = 500, depth: int = 4) -> NDArray[np.int64]:
    return np.unique(morton_encode(np.random.default_rng(0).integers(0, 1 << depth, (n, 3))))


def test_butterflies_are_invertible_and_keep_energy() -> None:
    rng = np.random.default_rng(1)
    w = rng.integers(0, 5, (200, 8)).astype(float)
    w[w.sum(axis=1) == 0, 3] = 1
    b = rng.normal(size=(200, 8, 3)) * (w > 0)[:, :, None]
    out, valid = forward(b, w)
    assert np.allclose(inverse(out, w), b, atol=1e-12)
    assert np.allclose((out**2).sum(axis=1), (b**2).sum(axis=1))
    assert np.array_equal(valid.sum(axis=1), (w > 0).sum(axis=1) - 1)
    # What is not valid and not the low value is zero.
    rest = out * ~valid[:, :, None]
    assert np.allclose(rest[:, 1:], 0)


def test_a_constant_has_only_a_low_value() -> None:
    w = np.random.default_rng(2).integers(1, 9, (50, 8)).astype(float)
    out, valid = forward(np.sqrt(w)[:, :, None] * 7.0, w)
    assert np.allclose(out[valid], 0, atol=1e-12)
    assert np.allclose(out[:, 0, 0], 7 * np.sqrt(w.sum(axis=1)))


@pytest.mark.parametrize("depth", [1, 4, 9])
def test_levels_hold_every_voxel(depth: int) -> None:
    codes = voxels(depth=depth)
    levels = build_levels(codes, depth)
    assert len(levels) == depth
    assert np.array_equal(levels[-1].child_codes, codes)
    for level in levels:
        assert level.weights.sum() == len(codes)
        assert np.array_equal(level.codes[level.parent], level.child_codes >> 3)
    values = np.random.default_rng(3).normal(size=(len(codes), 3))
    b, w = block(levels[-1], values)
    means = np.zeros((len(levels[-1].codes), 3))
    np.add.at(means, levels[-1].parent, values)
    means /= np.bincount(levels[-1].parent)[:, None]
    assert np.allclose(unblock(levels[-1], b, w, means), values)


def test_prediction_is_a_mean_of_its_surroundings() -> None:
    codes = voxels()
    level = build_levels(codes, 4)[-1]
    assert np.allclose(predict(level, np.full((len(level.codes), 3), 5.0)), 5)
    values = np.random.default_rng(4).uniform(2, 3, (len(level.codes), 3))
    predicted = predict(level, values)
    assert predicted.min() >= 2
    assert predicted.max() <= 3
