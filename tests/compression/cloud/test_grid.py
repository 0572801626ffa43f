"""Grids: exact where they can be, within half a cell elsewhere."""

import numpy as np
import pytest
from geo3d_compression.cloud.grid import choose_grid, exact_grid, largest_error
from hypothesis import given
from hypothesis import strategies as st

from geo3d.errors import Geo3DError


@pytest.mark.parametrize("divisor", [1, 10, 1000, 64])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_decimals_and_binary_fractions_are_found(divisor: int, dtype: str) -> None:
    k = np.random.default_rng(0).integers(-5000, 5000, (500, 3))
    points = (k / divisor).astype(dtype)
    grid = exact_grid(points)
    assert grid is not None
    assert grid.step >= 1 / divisor - 1e-12
    back = grid.points(grid.indices(points))
    assert back.tobytes() == points.tobytes()


def test_noise_and_negative_zero_have_no_exact_grid() -> None:
    assert exact_grid(np.random.default_rng(0).normal(size=(100, 3))) is None
    assert exact_grid(np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)) is None
    assert exact_grid(np.array([[-0.0, 1, 2], [1, 2, 3]])) is None


@given(st.floats(1e-6, 1e3), st.sampled_from([0.0, 1e3, -5e5, 4.5e6]), st.sampled_from(["float32", "float64"]))
def test_error_is_within_half_a_cell(cell: float, offset: float, dtype: str) -> None:
    points = (np.random.default_rng(0).normal(size=(200, 3)) * 10 * cell + offset).astype(dtype)
    grid = choose_grid(points, cell, None)
    indices = grid.indices(points)
    # float32 output is used where its rounding is at most 1/512 of a cell; float64 itself rounds at 5e6 by 1e-9.
    assert largest_error(grid, points, indices) <= cell * (0.5 + 1 / 256) + 2e-9
    assert indices.min() >= 0 or grid.divisor


def test_defaults_are_the_documented_ones() -> None:
    rng = np.random.default_rng(0)
    small = rng.normal(size=(1000, 3))
    side = float(np.ptp(small, axis=0).max())
    assert choose_grid(small, None, None).cell == pytest.approx(side / 65535)
    assert choose_grid(small * 1000, None, None).cell == pytest.approx(0.001)
    assert choose_grid(small, None, 10).cell == pytest.approx(side / 1023)
    assert choose_grid(np.array([[1, 2, 3]], np.uint8), None, None).dtype == "uint8"


def test_integers_with_a_coarser_grid_stay_integers() -> None:
    points = np.random.default_rng(0).integers(0, 256, (300, 3)).astype(np.uint8)
    grid = choose_grid(points, 4, None)
    back = grid.points(grid.indices(points))
    assert back.dtype == np.uint8
    assert np.abs(back.astype(int) - points).max() <= 2


@pytest.mark.parametrize(
    ("cell", "bits"), [(0.0, None), (-1.0, None), (float("nan"), None), (None, 0), (None, 40), (1.0, 8)]
)
def test_nonsense_is_refused(cell: float | None, bits: int | None) -> None:
    with pytest.raises(Geo3DError):
        choose_grid(np.random.default_rng(0).normal(size=(10, 3)), cell, bits)


def test_a_grid_too_fine_for_float64_is_refused() -> None:
    points = np.array([[0.0, 0, 0], [1e9, 0, 0.123]])
    with pytest.raises(Geo3DError, match="coarser --grid"):
        choose_grid(points, 1e-9, None).indices(points)
