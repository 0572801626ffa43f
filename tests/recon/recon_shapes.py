"""Closed surfaces with known inside, sampled at random."""

import numpy as np


def torus(n, seed=0, R=0.35, r=0.15):
    """Points and outward normals, uniform in area."""
    rng = np.random.default_rng(seed)
    u, v = rng.uniform(0, 2 * np.pi, (2, 4 * n))
    keep = rng.uniform(size=4 * n) < (R + r * np.cos(v)) / (R + r)
    u, v = u[keep][:n], v[keep][:n]
    normals = np.stack([np.cos(u) * np.cos(v), np.sin(u) * np.cos(v), np.sin(v)], -1)
    return np.stack([R * np.cos(u), R * np.sin(u), 0 * u], -1) + r * normals, normals


def ball(n, seed=0, radius=0.5):
    n_ = np.random.default_rng(seed).normal(size=(n, 3))
    n_ /= np.linalg.norm(n_, axis=1, keepdims=True)
    return radius * n_, n_


def torus_distance(p, R=0.35, r=0.15):
    return np.hypot(np.hypot(p[:, 0], p[:, 1]) - R, p[:, 2]) - r
