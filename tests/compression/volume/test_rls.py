import numpy as np
import pytest
from geo3d_compression.volume.rls import rls_reset, rls_update


class Filter:
    """Weights, and the inverse correlation with the step that waits."""

    def __init__(self, n: int, delta: float) -> None:
        self.P, self.w = np.zeros((n, n)), np.zeros(n)
        self.u, self.h, self.grow = np.zeros(n), np.zeros(n), np.zeros(3)
        self.n, self.delta = n, delta
        rls_reset(self.P, self.w, self.h, self.grow, 1, n, delta)

    def update(self, x: np.ndarray, error: float, forget: float, noise: float) -> None:
        arrays = self.P, self.w, x, self.u, self.h, self.grow
        rls_update(*arrays, 1, self.n, error, forget, noise, self.delta)

    def certainty(self) -> np.ndarray:
        upper = np.triu((self.P - np.outer(self.h, self.h)) * self.grow[1])
        return upper + np.triu(upper, 1).T


@pytest.mark.parametrize("n", [4, 36])
def test_weights_are_the_weighted_ridge_solution(n: int) -> None:
    """With a forgetting factor the estimate minimises the decayed, noise-weighted squares plus the decayed prior."""
    rng = np.random.default_rng(0)
    forget, delta = 0.97, 2.0
    X, y, noise = rng.normal(size=(60, n)), rng.normal(size=60), rng.uniform(0.5, 3, 60)
    rls = Filter(n, delta)
    w0 = rls.w.copy()
    for x, t, v in zip(X, y, noise, strict=True):
        rls.update(x, t - rls.w @ x, forget, v)
    # The gain uses forget * noise, so that sample k counts forget^(T - 1 - k) / noise and the prior forget^T.
    decay = forget ** np.arange(59, -1, -1) / noise
    A = X.T @ (decay[:, None] * X) + np.eye(n) / delta * forget**60
    b = X.T @ (decay * y) + w0 / delta * forget**60
    np.testing.assert_allclose(rls.w, np.linalg.solve(A, b), rtol=1e-8)
    np.testing.assert_allclose(rls.certainty(), np.linalg.inv(A), rtol=1e-7, atol=1e-12)
    assert n > 32 or (rls.P == rls.P.T).all()


def test_an_indefinite_matrix_starts_again() -> None:
    rls = Filter(4, 0.5)
    rls.P[:] = -np.eye(4)
    rls.w[:] = np.arange(4)
    rls.update(np.ones(4), 1.0, 0.99, 1.0)
    assert (0.5 * np.eye(4) == rls.certainty()).all()
    assert (rls.w == np.arange(4)).all()
