"""Closed forms: a plane that is moved along its normal, and along itself."""

import numpy as np
import pytest
from geo3d_compression.bench.distortion import Reference

PLANE = np.stack(np.meshgrid(np.arange(40), np.arange(40), [5], indexing="ij"), axis=-1).reshape(-1, 3)


def test_a_shift_along_the_normal_counts_in_both() -> None:
    result = Reference(PLANE, 8).compare(PLANE + [0, 0, 2])
    expected = 10 * np.log10(3 * 255**2 / 4)
    assert result.d1 == pytest.approx(expected)
    assert result.d2 == pytest.approx(expected)


def test_holes_cost_points_but_no_plane() -> None:
    """Every second column is missing: half of the points are one step from the nearest."""
    result = Reference(PLANE, 8).compare(PLANE[PLANE[:, 0] % 2 == 0])
    assert result.d1 == pytest.approx(10 * np.log10(3 * 255**2 / 0.5))
    assert result.d2 > 100


def test_the_worse_direction_counts() -> None:
    far = np.concatenate([PLANE, [[20, 20, 15]]])
    result = Reference(PLANE, 8).compare(far)
    assert result.d1 == pytest.approx(10 * np.log10(3 * 255**2 / (100 / len(far))))
