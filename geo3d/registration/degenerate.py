"""Names for the directions that the data leave open."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# A tenth of a percent of the mean curvature: sliding that far costs nothing that noise would not.
OPEN = 1e-3


def open_directions(values: NDArray[np.float64], vectors: NDArray[np.float64], limit: float = OPEN) -> tuple[str, ...]:
    """Say which motions an information matrix does not fix.

    Parameters
    ----------
    values, vectors : eigen-decomposition of a [6, 6] information (omega, v) with lengths brought to the scene's size.
    limit : share of the mean eigenvalue below which a direction counts as open.
    """
    mean = values.mean()
    names = []
    for value, vector in zip(values, vectors.T, strict=True):
        if mean > 0 and value >= limit * mean:
            continue
        turn, move = np.linalg.norm(vector[:3]), np.linalg.norm(vector[3:])
        axis = vector[:3] if turn > move else vector[3:]
        names.append(f"{'turning about' if turn > move else 'sliding along'} {_axis(axis)}")
    return tuple(names)


def _axis(v: NDArray[np.float64]) -> str:
    v = v / max(float(np.linalg.norm(v)), 1e-12)
    k = int(np.abs(v).argmax())
    if abs(v[k]) > 0.95:
        return "xyz"[k]
    return "(" + ", ".join(f"{x:.2f}" for x in v * np.sign(v[k])) + ")"
