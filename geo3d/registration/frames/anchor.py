"""What the matches say about a pose: a dense alignment slides where surfaces are bare, matches do not let it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo3d.registration.se3 import angle, exp_se3, inverse

# Deviation of a right match, voxels; matches farther off than REACH have no say.
SIGMA = 1.5
REACH = 4.0
ITERATIONS = 8
LEAST = 6
# A dense alignment counts its residuals as if they were independent; against that, a match weighs little.
WEIGHT = 2.5
# Farther than this from where it started, an anchor belongs to another pose.
MAX_TURN = np.deg2rad(8)
MAX_MOVE = 2.5  # voxels


@dataclass(frozen=True, eq=False)
class Anchor:
    """T_target_source that nearby matches agree on, and [6, 6] information of (omega, v) in the target's frame."""

    T: NDArray[np.float64]
    information: NDArray[np.float64]


def anchor(
    source: NDArray[np.float64], target: NDArray[np.float64], T_target_source: NDArray[np.float64], voxel: float
) -> Anchor | None:
    """Robust least squares over matched points (Geman-McClure's weight), from a hypothesis.

    Parameters
    ----------
    source, target : [M, 3] matched points, metres, most of them wrong.
    voxel : edge of the feature grid, metres.

    Returns
    -------
    None if fewer than LEAST matches agree with the hypothesis, or none near it.
    """
    T = T_target_source
    H = np.zeros((6, 6))
    for _ in range(ITERATIONS):
        H, b, near = _normal_equations(source, target, T, SIGMA * voxel, REACH * voxel)
        if near < LEAST:
            return None
        xi = -np.linalg.solve(H + 1e-6 * np.trace(H) * np.eye(6), b)
        T = exp_se3(xi) @ T
        if np.abs(xi).max() < 1e-4:
            break
    D = inverse(T_target_source) @ T
    # By where the matched points go: a turn about a far origin moves little.
    if angle(D) > MAX_TURN or np.linalg.norm(D[:3, 3]) > MAX_MOVE * voxel:
        return None
    return Anchor(T, H * WEIGHT / (SIGMA * voxel) ** 2)


def _normal_equations(
    source: NDArray[np.float64], target: NDArray[np.float64], T: NDArray[np.float64], sigma: float, reach: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Sums of w J^T J and w J^T r with r = T p - q and J = [-[T p]x, I]; and how many pairs are within reach."""
    p = source @ T[:3, :3].T + T[:3, 3]
    r = p - target
    squared = (r * r).sum(axis=1)
    near = squared < reach * reach
    p, r, squared = p[near], r[near], squared[near]
    w = 1 / (1 + squared / (sigma * sigma)) ** 2
    J = np.zeros((len(p), 3, 6))
    J[:, 0, 1], J[:, 0, 2], J[:, 1, 0], J[:, 1, 2], J[:, 2, 0], J[:, 2, 1] = (
        p[:, 2], -p[:, 1], -p[:, 2], p[:, 0], p[:, 1], -p[:, 0]
    )  # fmt: skip
    J[:, :, 3:] = np.eye(3)
    weighted = (J * w[:, None, None]).reshape(-1, 6)
    return weighted.T @ J.reshape(-1, 6), weighted.T @ r.ravel(), len(p)
