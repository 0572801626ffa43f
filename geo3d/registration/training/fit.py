"""Logistic regression with a ridge, by Newton's method; weights by class and pair."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo3d.registration.frames.verifier import Logistic


def fit_logistic(x: NDArray[np.float64], y: NDArray[np.int64], names: tuple[str, ...], ridge: float = 1.0) -> Logistic:
    """Fit P(y = 1 | x); features are standardised and clipped at four deviations as the verifier does.

    Parameters
    ----------
    x : [N, D] evidence; y : [N] labels 0 or 1; ridge : strength of the prior that weights are small.
    """
    x = np.nan_to_num(x)
    mean, deviation = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-6)
    z = np.hstack([np.clip((x - mean) / deviation, -4, 4), np.ones((len(x), 1))])
    w = np.zeros(z.shape[1])
    prior = np.full(z.shape[1], ridge)
    prior[-1] = 1e-6
    for _ in range(100):
        p = 1 / (1 + np.exp(-z @ w))
        gradient = z.T @ (p - y) + prior * w
        hessian = (z * (p * (1 - p))[:, None]).T @ z + np.diag(prior)
        step = np.linalg.solve(hessian, gradient)
        w -= np.clip(step, -3, 3)
        if np.abs(step).max() < 1e-8:
            break
    return Logistic(names, mean, deviation, w[:-1], float(w[-1]))


def area_under_roc(score: NDArray[np.float64], y: NDArray[np.int64]) -> float:
    """Probability that a right pose scores higher than a wrong one (ties count half)."""
    from scipy.stats import rankdata

    positive = y == 1
    n, m = int(positive.sum()), int((~positive).sum())
    ranks = rankdata(score)
    return float((ranks[positive].sum() - n * (n + 1) / 2) / max(n * m, 1))
