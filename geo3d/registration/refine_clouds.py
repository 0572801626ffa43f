"""Point-to-plane ICP (Chen & Medioni 1992) with Tukey's weight between prepared clouds; the same bits on every run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo3d.registration.prepare import CloudPair
from geo3d.registration.se3 import exp_se3

ITERATIONS = 30
MIN_PAIRS = 12


def refine_clouds(
    pair: CloudPair, T: NDArray[np.float64], reach: tuple[float, ...], max_points: int | None = None
) -> NDArray[np.float64]:
    """ICP from T (centred frames).

    Parameters
    ----------
    reach : distances in voxels at which pairs are dropped, in order of use.
    max_points : use about so many source points; None: all.
    """
    step = 1 if max_points is None else max(1, len(pair.source.points) // max_points)
    source, size = pair.source.points[::step], float(np.abs(pair.source.points).max())
    for r in reach:
        limit = r * pair.voxel
        for _ in range(ITERATIONS):
            moved = source @ T[:3, :3].T + T[:3, 3]
            distance, index = pair.target.tree.query(moved, distance_upper_bound=limit)
            near = np.isfinite(distance)
            if near.sum() < MIN_PAIRS:
                break
            p, q, n = moved[near], pair.target.points[index[near]], pair.target.normals[index[near]]
            residual = ((p - q) * n).sum(axis=1)
            weight = (1 - np.minimum(np.abs(residual) / limit, 1) ** 2) ** 2
            J = np.concatenate([np.cross(p, n), n], axis=1)
            H = (J * weight[:, None]).T @ J
            damping = 1e-9 * np.trace(H) * np.diag([size**2] * 3 + [1.0] * 3) / max(size**2, 1.0) + 1e-12 * np.eye(6)
            xi = -np.linalg.solve(H + damping, J.T @ (weight * residual))
            if not np.isfinite(xi).all():
                break
            T = exp_se3(xi) @ T
            if np.abs(xi[:3]).max() < 1e-5 and np.abs(xi[3:]).max() < 1e-4 * pair.voxel:
                break
    return T
