"""Spacing of points."""

from __future__ import annotations

import numpy as np
import pytest
from geo3d_viewer.density import thinned, typical_spacing


@pytest.mark.parametrize("side", [60, 400])
def test_a_grid_has_its_spacing_thinned_or_not(side: int) -> None:
    x, y = np.mgrid[0:side, 0:side]
    grid = np.c_[x.ravel(), y.ravel(), np.zeros(side * side)] * 0.01
    grid = grid[np.random.default_rng(0).permutation(len(grid))]
    assert typical_spacing(grid) == pytest.approx(0.01, rel=0.2)


def test_points_at_the_same_place_count_once() -> None:
    x, y = np.mgrid[0:150, 0:150]
    grid = np.c_[x.ravel(), y.ravel(), np.zeros(150 * 150)] * 0.01
    often = np.repeat(grid, 12, axis=0)
    assert typical_spacing(often) == pytest.approx(typical_spacing(grid), rel=0.1)


def test_few_and_equal_points() -> None:
    assert typical_spacing(np.zeros((0, 3))) == 0
    assert typical_spacing(np.zeros((1, 3))) == 0
    assert typical_spacing(np.ones((50, 3))) == 0
    assert typical_spacing(np.array([[0, 0, 0], [0, 0, 2.0]])) > 0


def test_thinning_keeps_the_order_and_drops_nan() -> None:
    p = np.arange(3000.0).reshape(1000, 3)
    p[0] = np.nan
    q = thinned(p, 100)
    assert len(q) == 99
    assert (np.diff(q[:, 0]) == 30).all()
