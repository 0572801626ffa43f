import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo3d.registration.se3 import adjoint, angle, exp_se3, inverse, log_se3

six = st.lists(st.floats(-1.5, 1.5), min_size=6, max_size=6).map(np.array)


@given(six)
def test_log_inverts_exp(xi: np.ndarray) -> None:
    assert np.allclose(log_se3(exp_se3(xi)), xi, atol=1e-9)


@given(six)
def test_inverse_is_the_matrix_inverse(xi: np.ndarray) -> None:
    T = exp_se3(xi)
    assert np.allclose(inverse(T), np.linalg.inv(T), atol=1e-12)


@given(six, six)
def test_adjoint_moves_a_small_perturbation_between_frames(xi: np.ndarray, delta: np.ndarray) -> None:
    T_a_b, small = exp_se3(xi), 1e-6 * delta
    moved = exp_se3(adjoint(T_a_b) @ small) @ T_a_b
    assert np.allclose(moved, T_a_b @ exp_se3(small), atol=1e-10)


def test_angle_of_a_quarter_turn() -> None:
    assert angle(exp_se3(np.array([0, 0, np.pi / 2, 5, 5, 5]))) == pytest.approx(np.pi / 2)
