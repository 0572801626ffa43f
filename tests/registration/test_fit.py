import numpy as np
import pytest

from geo3d.registration.training.fit import area_under_roc, fit_logistic


def test_probabilities_are_those_that_made_the_labels() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20000, 2))
    p = 1 / (1 + np.exp(-(2 * x[:, 0] - x[:, 1] + 0.5)))
    model = fit_logistic(x, (rng.uniform(size=len(x)) < p).astype(int), ("a", "b"), ridge=1e-3)
    assert np.abs(model.probability(x) - p).max() < 0.06


def test_area_under_roc_by_counting() -> None:
    score, y = np.array([0.1, 0.4, 0.4, 0.8, 0.9]), np.array([0, 0, 1, 1, 0])
    # Six pairs: two won, one tied, three lost.
    pairs = [(s > t) + 0.5 * (s == t) for s in score[y == 1] for t in score[y == 0]]
    assert area_under_roc(score, y) == pytest.approx(np.mean(pairs))
