"""Poses from point matches by second-order spatial compatibility (Chen et al., SC2-PCR, CVPR 2022).

Two matches are compatible if they keep the distance between their points (eq. 2).  Two wrong matches often agree by
chance; two wrong matches with many common compatible matches do not (eq. 4), so seeds are grown by that count.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo3d.registration import _sc2

MAX_MATCHES = 800


def sc2_poses(
    source: NDArray[np.float64],
    target: NDArray[np.float64],
    tolerance: float,
    *,
    seeds: int = 30,
    neighbours: int = 20,
    score: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Hypotheses of T_target_source from matched points.

    Parameters
    ----------
    source, target : [N, 3] matched points.
    tolerance : by how much two matches' distances may differ, in the points' unit.
    seeds : how many consistent groups to grow; the best `seeds` by compatibility.
    neighbours : matches of each group that give the first pose.
    score : [N] quality of the matches, to choose among more than can be handled; None: all equal.

    Returns
    -------
    [S, 4, 4] poses and [S] their inlier counts, distinct groups, best first.
    """
    if len(source) > MAX_MATCHES:
        order = np.argsort(-score, kind="stable") if score is not None else np.arange(len(source))
        keep = np.sort(order[:MAX_MATCHES])
        source, target = source[keep], target[keep]
    if len(source) < 4:
        return np.zeros((0, 4, 4)), np.zeros(0)
    compatible = _compatibility(source, target, tolerance)
    second = compatible * (compatible @ compatible)
    strength = second.sum(axis=1)
    chosen = np.array(_spread_seeds(strength, source, seeds, 2 * tolerance), np.int64)
    source, target = np.ascontiguousarray(source, np.float64), np.ascontiguousarray(target, np.float64)
    poses, counts = _sc2.grow(source, target, second, chosen, neighbours, tolerance)
    best = np.argsort(-counts, kind="stable")
    best = best[counts[best] > 0]
    return poses[best], counts[best]


def _compatibility(source: NDArray[np.float64], target: NDArray[np.float64], tolerance: float) -> NDArray[np.float32]:
    ds, dt = _distances(source), _distances(target)
    # Matches closer together than the tolerance agree whatever they are.
    far = (ds > 2 * tolerance) & (dt > 2 * tolerance)
    return ((np.abs(ds - dt) < tolerance) & far).astype(np.float32)


def _distances(points: NDArray[np.float64]) -> NDArray[np.float32]:
    p = (points - points.mean(axis=0)).astype(np.float32)
    squared = (p * p).sum(axis=1)
    return np.sqrt(np.maximum(squared[:, None] + squared[None] - 2 * p @ p.T, 0))


def _spread_seeds(strength: NDArray[np.float32], source: NDArray[np.float64], count: int, apart: float) -> list[int]:
    """The strongest matches, none within `apart` of a stronger one in the source."""
    left = np.array(strength, dtype=np.float64)
    chosen: list[int] = []
    while len(chosen) < count:
        k = int(left.argmax())
        if left[k] <= 0:
            break
        chosen.append(k)
        left[np.abs(source - source[k]).max(axis=1) <= apart] = 0
    return chosen
