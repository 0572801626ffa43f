"""The vectors against the plain loop in Python, products that wrap included."""

import numpy as np
from geo3d_compression.entropy.lanes import LANES, dot, learn, wide_dot, wide_learn
from geo3d_compression.entropy.models import mixer_dot, mixer_update
from numba import njit
from numpy.typing import NDArray


@njit
def _both(weights, inputs, start, first, error):
    total = dot(weights, start, inputs, first)
    learn(weights, start, inputs, first, np.int32(error))
    return total


def _wrap(x: NDArray[np.int64]) -> NDArray[np.int64]:
    return (x + (1 << 31)) % (1 << 32) - (1 << 31)


def test_same_as_the_loop() -> None:
    rng = np.random.default_rng(4)
    for scale in (1 << 12, 1 << 30):
        for start, first in ((0, 0), (5, 3), (48, 16)):
            weights = rng.integers(-scale, scale, 80).astype(np.int32)
            inputs = rng.integers(-scale, scale, 40).astype(np.int32)
            error = int(rng.integers(-scale, scale))
            w = weights[start : start + LANES].astype(np.int64)
            x = inputs[first : first + LANES].astype(np.int64)
            expected = weights.copy()
            moved = w + (_wrap(_wrap(x * error) + (1 << 11)) >> 12)
            expected[start : start + LANES] = _wrap(moved)
            total = _both(weights, inputs, start, first, error)
            assert total == _wrap(np.int64(_wrap((w >> 6) * x).sum()))
            np.testing.assert_array_equal(weights, expected)


@njit
def _wide(weights, inputs, start, first, second, factor, limit):
    total = wide_dot(weights, start, inputs, first, second)
    wide_learn(weights, start, inputs, first, second, np.int32(factor), np.int32(limit))
    return total


def test_wide_ones_are_the_mixer_of_the_models() -> None:
    rng = np.random.default_rng(5)
    limit = 16 << 16
    for start, first, second in ((0, 0, 8), (7, 16, 3), (32, 1, 20)):
        weights = rng.integers(-limit, limit + 1, 64).astype(np.int32)
        weights[start : start + 2] = limit, -limit
        inputs = rng.integers(-2815, 2816, 32).astype(np.int32)
        inputs[[first, first + 1]] = 2815, -2815
        error, rate = int(rng.integers(60000, 65536)), 120
        chosen = np.concatenate([inputs[first : first + 8], inputs[second : second + 8]]).astype(np.int64)
        rows = weights[start : start + 16].reshape(1, 16).copy()
        expected = mixer_dot(rows, 0, chosen, 16)
        mixer_update(rows, 0, chosen, 16, error, rate)
        total = _wide(weights, inputs, start, first, second, error * rate, limit)
        assert min(max(int(total) >> 16, -2815), 2815) == expected
        np.testing.assert_array_equal(weights[start : start + 16], rows[0])
