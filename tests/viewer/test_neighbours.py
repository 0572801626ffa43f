"""Neighbours without a tree against SciPy's tree."""

from __future__ import annotations

import numpy as np
import pytest
from geo3d_viewer import neighbours
from geo3d_viewer.neighbours import kth_distances, nearest
from numpy.typing import NDArray
from scipy.spatial import cKDTree


def clouds() -> dict[str, NDArray[np.float64]]:
    rng = np.random.default_rng(3)
    ball = rng.normal(size=(5000, 3))
    ball /= np.linalg.norm(ball, axis=1, keepdims=True)
    # A scanner's: density falls with the square of the distance.
    angle, range_ = rng.random(5000) * 7, np.exp(rng.random(5000) * 6)
    lidar = np.stack([range_ * np.cos(angle), range_ * np.sin(angle), rng.normal(size=5000)], axis=1)
    line = np.stack([rng.random(800), np.zeros(800), np.full(800, 7.0)], axis=1)
    strays = np.concatenate([1e-3 * ball, [[1e6, 0, 0], [0, -1e6, 3], [5, 5, 5]]])
    lattice = np.stack(np.meshgrid(*[np.arange(12.0)] * 3), -1).reshape(-1, 3)
    twice = np.repeat(ball[:200], 2, axis=0)
    return {
        "ball": ball, "far": ball + [4e5, 5e6, 100], "volume": rng.random((5000, 3)), "lidar": lidar, "line": line,
        "strays": strays, "lattice": lattice, "twice": twice, "few": ball[:3], "one place": np.ones((30, 3)),
    }  # fmt: skip


@pytest.mark.parametrize("name", list(clouds()))
def test_distances_and_indices_are_the_trees(name: str) -> None:
    points = clouds()[name]
    for k in {min(k, len(points)) for k in (1, 2, 9, 12)}:
        expected = cKDTree(points).query(points, k=[k])[0][:, 0]
        assert (kth_distances(points, k) == expected).all()
        queries = points[::3]
        assert (nearest(points, queries, k) == cKDTree(points).query(queries, k=k)[1].reshape(-1, k)).all()


def test_uneven_density_is_left_to_the_tree_with_the_same_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    points = clouds()["ball"]
    monkeypatch.setattr(neighbours, "_MOST_PAIRS", 1000)
    assert neighbours._search(points, points, 9, True) is None
    assert (kth_distances(points, 9) == cKDTree(points).query(points, k=[9])[0][:, 0]).all()
