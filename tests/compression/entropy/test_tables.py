"""Logistic tables against floating point."""

import numpy as np
from geo3d_compression.entropy.tables import CONFIDENCE, RECIPROCAL, SQUASH, STRETCH, STRETCH_LIMIT


def test_squash_is_the_logistic_function() -> None:
    x = np.arange(-STRETCH_LIMIT, STRETCH_LIMIT + 1) / 256
    assert np.abs(SQUASH - 65536 / (1 + np.exp(-x))).max() <= 1.0
    assert SQUASH.min() >= 1
    assert SQUASH.max() <= 65535
    assert (np.diff(SQUASH) >= 0).all()


def test_squash_is_antisymmetric() -> None:
    np.testing.assert_array_equal(SQUASH + SQUASH[::-1], 65536)


def test_stretch_inverts_squash() -> None:
    p = np.arange(1, 65536)
    x = STRETCH[p].astype(int)
    error = np.abs(SQUASH[x + STRETCH_LIMIT] - p)
    # Half a step of the logistic domain, at the slope p (1 - p) / 256.
    assert (error <= 65536 * (p / 65536) * (1 - p / 65536) / 256 * 0.55 + 1).all()
    assert STRETCH[32768] == 0
    assert (np.diff(STRETCH.astype(int)) >= 0).all()


def test_counter_tables() -> None:
    assert RECIPROCAL[0] == 40960
    assert (np.diff(RECIPROCAL) <= 0).all()
    assert CONFIDENCE[0] == 0
    assert CONFIDENCE.max() <= 256
