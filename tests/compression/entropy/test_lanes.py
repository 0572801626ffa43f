"""The vectors against the plain loop in Python, products that wrap included."""

import numpy as np
from geo3d_compression.entropy.lanes import LANES, dot, learn
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
