"""Poses from point matches by second-order spatial compatibility (Chen et al., SC2-PCR, CVPR 2022).

Two matches are compatible if they keep the distance between their points (eq. 2).  Two wrong matches often agree by
chance; two wrong matches with many common compatible matches do not (eq. 4), so seeds are grown by that count.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MAX_MATCHES = 800
ROUNDS = 3


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
    poses, counts = _grown(source, target, second[chosen], chosen, neighbours, tolerance)
    best = np.argsort(-counts, kind="stable")
    best = best[counts[best] > 0]
    return poses[best], counts[best]


def _grown(
    source: NDArray[np.float64],
    target: NDArray[np.float64],
    second: NDArray[np.float32],
    seeds: NDArray[np.int64],
    neighbours: int,
    tolerance: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Poses [S, 4, 4] and inlier counts [S] of the seeds' groups; a count of 0: no pose.

    Fits the `neighbours` matches most compatible with a seed, then twice all matches that agree with the fit.

    Parameters
    ----------
    second : [S, N] compatibility of the seeds with all matches.
    """
    S = len(seeds)
    group = np.argsort(-second, axis=1, kind="stable")[:, :neighbours]
    members = np.zeros(second.shape, bool)
    np.put_along_axis(members, group, np.take_along_axis(second, group, 1) > 0, 1)
    members[np.arange(S), seeds] = True
    poses, counts = np.zeros((S, 4, 4)), np.zeros(S)
    alive = np.flatnonzero(members.sum(axis=1) >= 4)
    for _ in range(ROUNDS):
        poses[alive] = _fitted(source, target, members[alive])
        R, t = poses[alive, :3, :3], poses[alive, :3, 3]
        off = source @ R.transpose(0, 2, 1) + (t[:, None] - target)
        members[alive] = (off * off).sum(axis=2) < (1.5 * tolerance) ** 2
        counts[:] = 0
        counts[alive] = members[alive].sum(axis=1)
        counts[counts < 4] = 0
        alive = np.flatnonzero(counts)
    return poses, counts


def _fitted(
    source: NDArray[np.float64], target: NDArray[np.float64], members: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """[S, 4, 4] least-squares rigid motions (Kabsch 1976) of the matches of each row of members [S, N]."""
    weight = members / members.sum(axis=1, keepdims=True)
    p, q = weight @ source, weight @ target
    C = ((target - q[:, None]) * weight[..., None]).transpose(0, 2, 1) @ (source - p[:, None])
    U, _, Vt = np.linalg.svd(C)
    flip = np.linalg.det(U) * np.linalg.det(Vt) < 0
    U[flip, :, 2] *= -1
    T = np.tile(np.eye(4), (len(members), 1, 1))
    T[:, :3, :3] = U @ Vt
    T[:, :3, 3] = q - np.einsum("sij,sj->si", T[:, :3, :3], p)
    return T


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
