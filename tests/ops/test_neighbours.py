import numpy as np
import pytest
import torch

from geo3d.errors import ShapeError
from geo3d.ops import knn, radius_search
from geo3d.ops.neighbours import _brute_force

RNG = np.random.default_rng(0)
P, Q = RNG.normal(size=(200, 3)), RNG.normal(size=(30, 3))
TRUTH = np.linalg.norm(P[None] - Q[:, None], axis=-1)


@pytest.mark.parametrize("k", [1, 5])
def test_knn_matches_brute_force(k):
    order = np.argsort(TRUTH, axis=1)[:, :k]
    for points, queries in ((P, Q), (torch.from_numpy(P), torch.from_numpy(Q))):
        distance, index = knn(points, queries, k)
        np.testing.assert_array_equal(np.asarray(index), order)
        np.testing.assert_allclose(np.asarray(distance), np.sort(TRUTH, axis=1)[:, :k])
    np.testing.assert_array_equal(_brute_force(torch.from_numpy(P), torch.from_numpy(Q), k).numpy(), order)


def test_distances_are_differentiable():
    q = torch.from_numpy(Q[:4]).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: knn(torch.from_numpy(P), x, 3)[0], (q,))


def test_radius_pairs_match_brute_force():
    query, point = radius_search(P, Q, 0.7)
    a, b = np.nonzero(TRUTH <= 0.7)
    np.testing.assert_array_equal(query, a)
    np.testing.assert_array_equal(point, b)
    none, _ = radius_search(P, Q + 100, 0.7)
    assert len(none) == 0


def test_bad_arguments():
    with pytest.raises(ShapeError, match="1 to the number of points"):
        knn(P[:3], Q, 4)
    with pytest.raises(ShapeError, match="radius"):
        radius_search(P, Q, 0.0)
