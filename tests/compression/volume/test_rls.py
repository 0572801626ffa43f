import numpy as np
from geo3d_compression.volume.rls import dot4, rls_reset, rls_update


def test_dot4() -> None:
    a, b = np.arange(8.0), np.arange(8.0)[::-1].copy()
    assert dot4(a, b, 8) == a @ b
    assert dot4(a, b, 4) == a[:4] @ b[:4]


def test_weights_are_the_weighted_ridge_solution() -> None:
    """With a forgetting factor the estimate minimises the decayed, noise-weighted squares plus the decayed prior."""
    rng = np.random.default_rng(0)
    n, forget, delta = 4, 0.97, 2.0
    X, y, noise = rng.normal(size=(60, n)), rng.normal(size=60), rng.uniform(0.5, 3, 60)
    P, w, u = np.zeros((n, n)), np.zeros(n), np.zeros(n)
    rls_reset(P, w, n, delta)
    w0 = w.copy()
    for x, t, v in zip(X, y, noise, strict=True):
        rls_update(P, w, x, u, n, t - w @ x, forget, v, delta)
    # The gain uses forget * noise, so that sample k counts forget^(T - 1 - k) / noise and the prior forget^T.
    decay = forget ** np.arange(59, -1, -1) / noise
    A = X.T @ (decay[:, None] * X) + np.eye(n) / delta * forget**60
    b = X.T @ (decay * y) + w0 / delta * forget**60
    np.testing.assert_allclose(w, np.linalg.solve(A, b), rtol=1e-8)
    np.testing.assert_allclose(P, np.linalg.inv(A), rtol=1e-8)
    assert (P == P.T).all()


def test_an_indefinite_matrix_starts_again() -> None:
    n = 4
    P, w, u, x = -np.eye(n), np.arange(4.0), np.zeros(n), np.ones(n)
    rls_update(P, w, x, u, n, 1.0, 0.99, 1.0, 0.5)
    assert (0.5 * np.eye(n) == P).all()
    assert (w == np.arange(4)).all()
