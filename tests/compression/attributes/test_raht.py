"""The transform: orthonormal, invertible, in step with the floating-point one, and blind to what is constant."""

import numpy as np
import pytest
from geo3d_compression.attributes.raht import (
    GAIN,
    UNIT,
    differences,
    isqrt,
    levels_of,
    predict_node,
    undo_differences,
    weigh,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from geo3d.ops import morton_encode


def voxels(n: int = 500, depth: int = 4) -> NDArray[np.int64]:
    return np.unique(morton_encode(np.random.default_rng(0).integers(0, 1 << depth, (n, 3))))


def weighed(weights: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], int]:
    occupancy = np.uint8(sum(1 << o for o in range(8) if weights[o]))
    w, sums, gains = np.zeros((3, 8), np.int64), np.zeros(8, np.int64), np.zeros(8, np.int64)
    count = weigh(occupancy, weights[weights > 0], 0, w, sums, gains)
    return w, sums, gains, count


def slow_transform(values: NDArray[np.float64], weights: NDArray[np.int64]) -> NDArray[np.float64]:
    """Queiroz and Chou's butterflies on sqrt(weight) * mean; places without a value are nan."""
    b, w = values * np.sqrt(weights), weights.astype(float)
    b[w == 0] = np.nan
    for stride in (1, 2, 4):
        for a in range(0, 8, 2 * stride):
            c = a + stride
            if w[a] and w[c]:
                total = np.sqrt(w[a] + w[c])
                low = (np.sqrt(w[a]) * b[a] + np.sqrt(w[c]) * b[c]) / total
                b[c] = (np.sqrt(w[a]) * b[c] - np.sqrt(w[c]) * b[a]) / total
                b[a] = low
            elif w[c]:
                b[a], b[c] = b[c], np.nan
            w[a] += w[c]
    return b


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(0, 3000), min_size=8, max_size=8).filter(any),
    st.lists(st.integers(-255 * UNIT, 255 * UNIT), min_size=8, max_size=8),
)
def test_differences_are_the_transform_and_invertible(weights: list[int], means: list[int]) -> None:
    points, truth = np.array(weights), np.array(means)
    w, sums, gains, count = weighed(points)
    assert count == (points > 0).sum() - 1 == (gains > 0).sum()
    values = np.repeat(truth[:, None], 3, axis=1)
    differences(values, w, sums, gains, 1)
    slow = slow_transform(truth / UNIT, points)
    assert np.array_equal(np.isfinite(slow[1:]), gains[1:] > 0)
    for k in np.flatnonzero(gains):
        # Gains are rounded down to 1/256.
        near = values[k, 1] * gains[k] / (UNIT * GAIN)
        assert near == pytest.approx(slow[k], rel=1 / 150, abs=0.1)
    assert values[0, 1] / UNIT == pytest.approx(slow[0] / np.sqrt(points.sum()), abs=0.01)
    undo_differences(values, w, sums, gains, 1)
    assert np.array_equal(values[points > 0, 1], truth[points > 0])
    assert np.array_equal(values[:, 0], truth)


def test_heavy_nodes_keep_their_gain() -> None:
    heavy = np.array([1 << 24, 0, 0, 0, 1 << 26, 0, 0, 0])
    gains = weighed(heavy)[2]
    assert gains[4] / GAIN == pytest.approx(np.sqrt(2.0**24 * 2**26 / (2**24 + 2**26)), rel=1e-3)


@given(st.integers(0, (1 << 62) - 1))
def test_isqrt(x: int) -> None:
    r = int(isqrt(x))
    assert r * r <= x < (r + 1) ** 2


@pytest.mark.parametrize("depth", [1, 4, 9])
def test_levels_hold_every_voxel(depth: int) -> None:
    codes = voxels(depth=depth)
    levels = list(levels_of(codes, depth))
    assert len(levels) == depth
    for index, nodes in enumerate(levels):
        below = np.unique(codes >> 3 * (depth - 1 - index), return_counts=True)
        assert np.array_equal(nodes.weights, below[1])
        parents = np.unique(below[0] >> 3, return_index=True)
        assert np.array_equal(nodes.first[:-1], parents[1])
        assert nodes.level.size == len(parents[0])


def test_prediction_is_a_mean_of_its_surroundings() -> None:
    nodes = list(levels_of(voxels(), 4))[-1]
    n, m = nodes.level.size, len(nodes.weights)
    rng = np.random.default_rng(4)
    means, children = rng.integers(2000, 3000, (n + 1, 3)), rng.integers(2000, 3000, (m + 1, 3))
    for p in range(n):
        out = np.zeros((8, 3), np.int64)
        predict_node(p, nodes.level.neighbours, nodes.occupancy, nodes.first, means, children, out)
        assert (means[p] + out).min() >= 2000
        assert (means[p] + out).max() <= 3000
        # What comes later is not looked at.
        after = children.copy()
        after[nodes.first[p] :] = 0
        again = np.zeros((8, 3), np.int64)
        predict_node(p, nodes.level.neighbours, nodes.occupancy, nodes.first, means, after, again)
        assert np.array_equal(out, again)
