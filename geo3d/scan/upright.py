"""Which way is up in a scan that nobody levelled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def estimate_up(T_world_camera: NDArray[np.float64], normals: NDArray[np.floating] | None) -> NDArray[np.float64]:
    """[3] unit up direction in the world frame.

    People hold cameras level: up is near the mean of the cameras' -y axes and square to their x axes.  Surfaces
    sharpen it: floors, tables and walls have normals along or square to it.

    Parameters
    ----------
    T_world_camera : [N, 4, 4]
    normals : [M, 3] of the scene's surface, or None.
    """
    x, y = T_world_camera[:, :3, 0], T_world_camera[:, :3, 1]
    first = -y.mean(axis=0)
    norm = np.linalg.norm(first)
    if norm < 0.1:
        return np.array([0.0, -1.0, 0.0])
    first = first / norm
    candidates = _sphere(4000)
    candidates = candidates[candidates @ first > np.cos(np.deg2rad(65))]
    level = np.exp(-((candidates @ x.T) ** 2).mean(axis=1) / (2 * 0.15**2))
    votes = np.zeros(len(candidates))
    if normals is not None and len(normals) > 100:
        sample = np.asarray(normals, dtype=np.float64)[:: max(1, len(normals) // 4000)]
        cosine = np.abs(candidates @ sample.T)
        votes = (cosine > 0.99).mean(axis=1) + 0.3 * (cosine < 0.1).mean(axis=1)
    score = level * (0.15 + votes) * (0.5 + candidates @ first)
    best = candidates[score.argmax()]
    if normals is not None and len(normals) > 100:
        flat = sample[np.abs(sample @ best) > 0.97]
        if len(flat) > 50:
            # The least-squares direction of the nearly horizontal surfaces.
            _, V = np.linalg.eigh(flat.T @ flat)
            best = V[:, -1] * np.sign(V[:, -1] @ best)
    return best / np.linalg.norm(best)


def _sphere(n: int) -> NDArray[np.float64]:
    """[n, 3] nearly even directions (Fibonacci lattice)."""
    k = np.arange(n) + 0.5
    z = 1 - 2 * k / n
    phi = np.pi * (1 + 5**0.5) * k
    r = np.sqrt(1 - z * z)
    return np.stack([r * np.cos(phi), r * np.sin(phi), z], axis=1)
