"""Compiled loop of second-order compatibility: from seeds to groups to poses."""

from __future__ import annotations

import numpy as np
from numba import njit

ROUNDS = 3


@njit(cache=True, nogil=True)
def grow(source, target, second, seeds, neighbours, tolerance):  # type: ignore[no-untyped-def]
    """Poses [S, 4, 4] and inlier counts [S] of the seeds' groups; a count of 0: no pose.

    Fits the `neighbours` matches most compatible with a seed, then twice all matches that agree with the fit.
    """
    poses = np.zeros((len(seeds), 4, 4))
    counts = np.zeros(len(seeds))
    members = np.zeros(len(source), np.bool_)
    for k in range(len(seeds)):
        row = second[seeds[k]]
        members[:] = False
        members[seeds[k]] = True
        group = np.argsort(-row, kind="mergesort")[:neighbours]
        size = 1
        for g in group:
            if row[g] > 0 and not members[g]:
                members[g] = True
                size += 1
        if size < 4:
            continue
        for _ in range(ROUNDS):
            T = fit(source, target, members)
            size = 0
            for i in range(len(source)):
                error = 0.0
                for c in range(3):
                    d = T[c, 3] - target[i, c]
                    for e in range(3):
                        d += T[c, e] * source[i, e]
                    error += d * d
                members[i] = error < (1.5 * tolerance) ** 2
                size += members[i]
            if size < 4:
                break
        if size >= 4:
            poses[k] = T
            counts[k] = size
    return poses, counts


@njit(cache=True, nogil=True)
def fit(source, target, members):  # type: ignore[no-untyped-def]
    """Least-squares rigid motion of the members (Kabsch 1976), [4, 4]."""
    n = 0
    p, q = np.zeros(3), np.zeros(3)
    for i in range(len(source)):
        if members[i]:
            n += 1
            p += source[i]
            q += target[i]
    p /= n
    q /= n
    C = np.zeros((3, 3))
    for i in range(len(source)):
        if members[i]:
            for a in range(3):
                for b in range(3):
                    C[a, b] += (target[i, a] - q[a]) * (source[i, b] - p[b])
    U, _, Vt = np.linalg.svd(C)
    if np.linalg.det(U) * np.linalg.det(Vt) < 0:
        U[:, 2] = -U[:, 2]
    R = U @ Vt
    T = np.eye(4)
    T[:3, :3] = R
    T[:3, 3] = q - R @ p
    return T
