"""Mutual nearest neighbours between two sets of descriptors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def mutual_matches(
    a: NDArray[np.float32], b: NDArray[np.float32], top: int = 1
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Pairs (i, j) with j among the `top` nearest of i and i among the `top` nearest of j.

    Parameters
    ----------
    a, b : [N, D], [M, D] descriptors, compared by Euclidean distance.

    Returns
    -------
    [P, 2] pairs and [P] scores, higher is better: minus the distance, relative to the row's runner-up.
    """
    if not len(a) or not len(b):
        return np.zeros((0, 2), np.int64), np.zeros(0)
    squared = (a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * (a @ b.T)
    np.maximum(squared, 0, out=squared)
    forth = np.argpartition(squared, min(top, len(b) - 1), axis=1)[:, : top + 1]
    rows = np.arange(len(a))[:, None]
    order = np.argsort(squared[rows, forth], axis=1, kind="stable")
    forth = forth[rows, order]
    columns = np.arange(len(b))[None]
    back = np.argpartition(squared, min(top, len(a)) - 1, axis=0)[:top]
    worst = squared[back, columns].max(axis=0)
    runner_up = np.sqrt(squared[rows[:, 0], forth[:, min(top, forth.shape[1] - 1)]])
    pairs, scores = [], []
    for k in range(min(top, forth.shape[1])):
        j = forth[:, k]
        d = squared[rows[:, 0], j]
        ok = d <= worst[j]
        pairs.append(np.stack([rows[ok, 0], j[ok]], axis=1))
        scores.append(-np.sqrt(d[ok]) / np.maximum(runner_up[ok], 1e-9))
    return np.concatenate(pairs), np.concatenate(scores).astype(np.float64)
