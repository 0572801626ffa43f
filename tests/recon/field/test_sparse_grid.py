"""The sparse grid interpolates like a dense one, and knows where it has nothing."""

import numpy as np
import pytest
from geo3d_recon.field.sparse_grid import SparseGrid, corners_of, unique_rows
from geo3d_recon.field.tables import gather

from geo3d.errors import ShapeError


def test_a_linear_function_is_interpolated_exactly():
    rng = np.random.default_rng(0)
    cells = rng.integers(-20, 20, (300, 3))
    grid = SparseGrid.build(corners_of(cells), np.array([0.5, -1.0, 2.0]), 0.25)
    slope = np.array([1.5, -2.0, 0.5])
    table = (grid.coords @ slope)[:, None].astype(np.float32)
    inside = cells[rng.integers(0, len(cells), 1000)] + rng.uniform(0.01, 0.99, (1000, 3))
    rows, weights = grid.lookup(inside * 0.25 + grid.origin)
    assert weights.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert gather(table, rows, weights)[:, 0] == pytest.approx(inside @ slope, abs=1e-3)


def test_what_is_absent_has_no_weight():
    grid = SparseGrid.build(np.array([[0, 0, 0], [1, 0, 0]]), np.zeros(3), 1.0)
    far = np.array([[5.0, 5, 5], [-3, 0, 0], [np.nan, 0, 0], [1e12, 0, 0]])
    assert not grid.lookup(far)[1].any()
    rows, weights = grid.lookup(np.array([[0.25, 0.5, 0.5]]))
    assert dict(zip(rows[0][weights[0] > 0].tolist(), weights[0][weights[0] > 0].tolist(), strict=True)) == {
        0: pytest.approx(0.75),
        1: pytest.approx(0.25),
    }


def test_corners_and_unique_rows():
    assert len(corners_of(np.array([[0, 0, 0]]))) == 8
    assert len(corners_of(np.array([[0, 0, 0], [1, 0, 0], [0, 0, 0]]))) == 12
    rows = np.random.default_rng(1).integers(-50, 50, (5000, 3))
    assert (unique_rows(rows) == np.unique(rows, axis=0)).all()


def test_hopeless_grids_are_refused():
    with pytest.raises(ShapeError, match="at least one"):
        SparseGrid.build(np.zeros((0, 3), np.int64), np.zeros(3), 1.0)
    with pytest.raises(ShapeError, match="too wide"):
        SparseGrid.build(np.array([[0, 0, 0], [1 << 20, 1 << 20, 1 << 20]]), np.zeros(3), 1.0)
