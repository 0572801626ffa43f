"""Error feedback: a small filter in plain Python says the same, and it learns what errors have in common."""

import numpy as np
from geo3d_compression.octree.earlier import Earlier, no_earlier
from geo3d_compression.octree.feedback import learn_from_error, new_feedback, told_by_errors
from numba import njit
from numpy.typing import NDArray


@njit
def _run(feedback, earlier, start, errors, signal):  # type: ignore[no-untyped-def]
    told = np.zeros(signal.size, np.int64)
    for i in range(signal.size):
        told[i] = told_by_errors(feedback, 3, earlier, start, errors, i)
        learn_from_error(feedback, 3, earlier, start, errors, i, signal[i])
    return told


def _chain(n: int) -> Earlier:
    """Every node but the first has one earlier node, the one before it, at place 4."""
    return Earlier(np.arange(-1, n).clip(0), np.arange(n - 1, dtype=np.int32), np.full(n - 1, 4, np.uint8))


def _told_in_python(signal: NDArray[np.int64], start: int) -> list[int]:
    weight, told = 0, []
    for i, error in enumerate(signal.tolist()):
        before = signal.tolist()[i - 1] >> 6 if i > start else 0
        told.append(max(-2047, min(2047, weight * before >> 16)))
        weight = max(-(1 << 20), min(1 << 20, weight + (error * 16 * before >> 20)))
    return told


def test_says_what_the_slow_filter_says() -> None:
    signal = np.random.default_rng(0).integers(-65000, 65000, 400)
    for start in (0, 7):
        told = _run(new_feedback(), _chain(400), start, np.zeros(401, np.int32), signal)
        assert told.tolist() == _told_in_python(signal, start)


def test_tells_the_sign_of_errors_that_last() -> None:
    signal = np.repeat(np.random.default_rng(1).choice([-20000, 20000], 200), 10)
    told = _run(new_feedback(), _chain(2000), 0, np.zeros(2001, np.int32), signal)
    assert np.mean(np.sign(told[500:]) == np.sign(signal[500:])) > 0.85
    assert no_earlier().node.size == 0
