"""Mutual nearest neighbours between two sets of descriptors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo3d.registration import _match


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
    index, value, worst = _match.nearest(squared, top)
    runner_up = np.sqrt(value[:, min(top, len(b) - 1)])
    pairs, scores = [], []
    for k in range(min(top, len(b))):
        ok = np.flatnonzero(value[:, k] <= worst[index[:, k]])
        pairs.append(np.stack([ok, index[ok, k]], axis=1))
        scores.append(-np.sqrt(value[ok, k]) / np.maximum(runner_up[ok], 1e-9))
    return np.concatenate(pairs), np.concatenate(scores).astype(np.float64)
