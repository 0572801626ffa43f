"""Sums of rows against matrix products."""

import numpy as np
import pytest
from geo3d_compression.octree.sums import add_multiples, add_rows, list_nonzero


@pytest.mark.parametrize("count", range(10))
@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_any_number_of_rows(count: int, dtype: type) -> None:
    rng = np.random.default_rng(count)
    table = rng.integers(-500, 500, (20, 13)).astype(dtype)
    rows, factors = rng.integers(0, 20, 16), rng.integers(0, 255, 16).astype(dtype)
    out = np.full(13, 7, dtype)
    add_rows(count, rows, table, out)
    np.testing.assert_array_equal(out, 7 + table[rows[:count]].sum(0))
    out = np.full(13, 7, dtype)
    add_multiples(count, rows, factors, table, out)
    np.testing.assert_array_equal(out, 7 + factors[:count] @ table[rows[:count]])


def test_zeros_are_left_out() -> None:
    source = np.array([0, 3, 0, 0, 5, 1], np.float32)
    rows, factors = np.zeros(10, np.int64), np.zeros(10, np.float32)
    assert list_nonzero(source, 40, rows, factors, 2) == 5
    assert rows[2:5].tolist() == [41, 44, 45]
    assert factors[2:5].tolist() == [3, 5, 1]
