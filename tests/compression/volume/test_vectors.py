"""Every lane against the plain loop in Python: equal, not near."""

import numpy as np
import pytest
from geo3d_compression.volume.tables import CDF, LOG, LOG_PAIRS
from geo3d_compression.volume.vectors import (
    add_product,
    add_scaled,
    dot4,
    expert_logits,
    prefetch,
    propagate,
    propagate_upper,
)
from numba import njit
from numpy.typing import NDArray


@njit
def _propagate(P, h, x, u, count, grow):
    propagate(P, h, x, u, count, grow)


@njit
def _propagate_upper(P, h, x, u, count, grow):
    propagate_upper(P, h, x, u, count, grow)


@njit
def _dot4(a, b, count):
    return dot4(a, b, count)


@njit
def _add_scaled(target, first, source, start, count, factor):
    add_scaled(target, first, source, start, count, factor)


@njit
def _add_product(weights, start, inputs, first, rows, total):
    add_product(weights, start, inputs, first, rows, total)


@njit
def _expert_logits(lanes, edge, weights_a, start_a, weights_b, start_b):
    prefetch(weights_a, start_a)
    expert_logits(lanes, edge, weights_a, start_a, weights_b, start_b, CDF, LOG_PAIRS)


@pytest.mark.parametrize("count", [4, 16, 28, 32])
def test_a_waiting_step_and_the_product(count: int) -> None:
    rng = np.random.default_rng(count)
    P, h, x = rng.normal(size=(32, 32)), rng.normal(size=32), rng.normal(size=32)
    grow, old, u = 1 / 0.9995, P.copy(), np.full(32, 7.0)
    _propagate(P, h, x, u, count, grow)
    expected, total = old.copy(), np.zeros(32)
    for j in range(count):
        for i in range(count):
            expected[j, i] = (old[j, i] - h[j] * h[i]) * grow
            total[i] += expected[j, i] * x[j]
    np.testing.assert_array_equal(P, expected)
    np.testing.assert_array_equal(u[:count], total[:count])
    assert (u[count:] == 7).all()


@pytest.mark.parametrize("count", [4, 12, 32])
def test_half_a_symmetric_matrix_does_the_same(count: int) -> None:
    rng = np.random.default_rng(count)
    P, h, x = rng.normal(size=(32, 32)), rng.normal(size=32), rng.normal(size=32)
    P += P.T
    half, grow, u, other = P.copy(), 1 / 0.9999, np.zeros(32), np.full(32, 7.0)
    kept = np.arange(32)[:, None] // 4 <= np.arange(32)[None] // 4
    half[~kept] = np.nan
    for _ in range(3):
        _propagate(P, h, x, u, count, grow)
        _propagate_upper(half, h, x, other, count, grow)
        np.testing.assert_array_equal(other[:count], u[:count])
        np.testing.assert_array_equal(half[kept], P[kept])
        assert (other[count:] == 7).all()


def test_dot_products_in_four_sums() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=12), rng.normal(size=12)
    sums = [0.0] * 4
    for i in range(12):
        sums[i % 4] += a[i] * b[i]
    assert _dot4(a, b, 12) == (sums[0] + sums[1]) + (sums[2] + sums[3])
    assert _dot4(a, b, 4) == (a[0] * b[0] + a[1] * b[1]) + (a[2] * b[2] + a[3] * b[3])


def test_a_scaled_row_is_added() -> None:
    rng = np.random.default_rng(1)
    target, source = rng.normal(size=20), rng.normal(size=20)
    expected = target.copy()
    expected[3:11] += source[5:13] * 0.37
    _add_scaled(target, 3, source, 5, 8, 0.37)
    np.testing.assert_array_equal(target, expected)


@pytest.mark.parametrize("columns", [3, 8, 32, 43])
def test_products_with_a_matrix_of_integers(columns: int) -> None:
    rng = np.random.default_rng(columns)
    weights = rng.integers(-200, 200, (3, 9, columns)).astype(np.float32)
    inputs, total = rng.integers(-127, 128, 12).astype(np.float32), rng.integers(0, 99, columns).astype(np.float32)
    expected = total + (inputs[2:9, None] * weights[1, :7]).sum(0)
    _add_product(weights, 9 * columns, inputs, 2, 7, total)
    np.testing.assert_array_equal(total, expected)


def _interpolated(table: NDArray[np.float64], at: float) -> float:
    i = int(at)
    return table[i] + (table[i + 1] - table[i]) * (at - i)


def _logit(p: float) -> float:
    at = p * 4096.0
    i, part = int(at), at * 1.0 - int(at)
    return (LOG[i] + (LOG[i + 1] - LOG[i]) * part) - (LOG[4096 - i] + (LOG[4095 - i] - LOG[4096 - i]) * part)


def test_the_logits_of_experts() -> None:
    """Far outside the table, and with predictions that are no numbers, too."""
    rng = np.random.default_rng(2)
    lanes = np.zeros((8, 12))
    lanes[0], lanes[1] = rng.normal(100, 20, 12), 10.0 ** rng.uniform(-2, 3, 12)
    lanes[0, 4], lanes[1, 5], lanes[0, 6:8] = np.nan, 0.0, (1e300, -1e300)
    at = [((101.5 - m) * i + 20.0) * 64.0 for m, i in lanes[:2].T]
    here = np.array([CDF[0] if not v > 0 else CDF[2559] if v >= 2559 else _interpolated(CDF, v) for v in at])
    lanes[2], lanes[3] = here * rng.uniform(0, 1, 12), here + (1 - here) * rng.uniform(0, 1, 12)
    a, b = rng.normal(size=40), rng.normal(size=40)
    given = lanes.copy()
    _expert_logits(lanes, 101.5, a, 4, b, 20)
    np.testing.assert_array_equal(lanes[:4], given[:4])
    np.testing.assert_array_equal(lanes[4], here)
    for k in range(12):
        below, above = given[2:4, k]
        logit = _logit((above - here[k] + 1e-10) / (above - below + 2e-10))
        np.testing.assert_array_equal(lanes[5:, k], [logit, a[4 + k] * logit, b[20 + k] * logit])
