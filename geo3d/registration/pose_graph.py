"""Robust pose graph optimisation: Gauss-Newton on SE(3) with graduated non-convexity.

Graduated non-convexity with the Geman-McClure cost (Yang et al. 2020, eq. 11-13) lets loop edges vote before any of
them is believed, so that wrong ones lose without a good start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo3d.registration.se3 import adjoint, exp_se3, inverse, log_se3

# 99 % quantile of a chi-square with six degrees of freedom.
INLIER_CHI2 = 16.8


@dataclass(frozen=True, eq=False)
class Edge:
    """A measured T_i_j with its [6, 6] information (omega, v) in frame i; robust edges may be wrong."""

    i: int
    j: int
    T_i_j: NDArray[np.float64]
    information: NDArray[np.float64]
    robust: bool = True


@dataclass(frozen=True, eq=False)
class OptimizedGraph:
    """T_world_node [N, 4, 4]; weight [E] of each edge at the end, 0 = rejected, 1 = believed; chi2 [E]."""

    T_world_node: NDArray[np.float64]
    weight: NDArray[np.float64]
    chi2: NDArray[np.float64]


def optimize_pose_graph(
    T_world_node: NDArray[np.float64], edges: Sequence[Edge], *, fixed: Sequence[int] = (0,), max_iterations: int = 60
) -> OptimizedGraph:
    """Move the nodes so that they agree with the edges; wrong robust edges lose their weight.

    Parameters
    ----------
    T_world_node : [N, 4, 4] start.
    fixed : nodes that stay, at least one in each connected piece.
    """
    T = np.array(T_world_node, dtype=np.float64)
    robust = np.array([e.robust for e in edges], dtype=bool)
    weight = np.ones(len(edges))
    chi2 = np.zeros(len(edges))
    if not edges:
        return OptimizedGraph(T, weight, chi2)
    mu = None
    for _ in range(max_iterations):
        residuals = np.stack([log_se3(inverse(T[e.i]) @ T[e.j] @ inverse(e.T_i_j)) for e in edges])
        chi2 = np.array([r @ e.information @ r for r, e in zip(residuals, edges, strict=True)])
        if mu is None:
            mu = max(2 * chi2[robust].max() / INLIER_CHI2, 1.0) if robust.any() else 1.0
        else:
            mu = max(mu / 1.6, 1.0)
        weight = np.where(robust, (mu * INLIER_CHI2 / (chi2 + mu * INLIER_CHI2)) ** 2, 1.0)
        step = _solve(T, edges, residuals, weight, fixed)
        for k in range(len(T)):
            T[k] = T[k] @ exp_se3(step[k])
        if mu == 1.0 and np.abs(step).max() < 1e-6:
            break
    return OptimizedGraph(T, weight, chi2)


def _solve(
    T: NDArray[np.float64],
    edges: Sequence[Edge],
    residuals: NDArray[np.float64],
    weight: NDArray[np.float64],
    fixed: Sequence[int],
) -> NDArray[np.float64]:
    """One Gauss-Newton step [N, 6]: right perturbations of the nodes."""
    from scipy.sparse import coo_matrix, identity
    from scipy.sparse.linalg import spsolve

    n = len(T)
    free = np.setdiff1d(np.arange(n), np.asarray(fixed, dtype=int))
    rows: list[NDArray[np.int64]] = []
    columns: list[NDArray[np.int64]] = []
    values: list[NDArray[np.float64]] = []
    b = np.zeros((n, 6))
    grid_r, grid_c = np.divmod(np.arange(36), 6)
    for e, r, w in zip(edges, residuals, weight, strict=True):
        # E = T_i^-1 T_j T_ij^-1:  dE/d(delta_i) = -I, dE/d(delta_j) = Ad(T_i^-1 T_j).
        A = adjoint(inverse(T[e.i]) @ T[e.j])
        W = w * e.information
        WA = W @ A
        for p, q, block in ((e.i, e.i, W), (e.i, e.j, -WA), (e.j, e.i, -WA.T), (e.j, e.j, A.T @ WA)):
            rows.append(6 * p + grid_r)
            columns.append(6 * q + grid_c)
            values.append(block.ravel())
        b[e.i] -= W @ r
        b[e.j] += WA.T @ r
    H = coo_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), (6 * n, 6 * n)).tocsr()
    keep = (6 * free[:, None] + np.arange(6)).ravel()
    step = np.zeros((n, 6))
    if len(keep):
        H = H[keep][:, keep] + 1e-6 * identity(len(keep))
        step[free] = -np.asarray(spsolve(H.tocsc(), b[free].ravel())).reshape(-1, 6)
    return step
