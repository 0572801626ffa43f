# mypy: allow-untyped-defs, no-check-untyped-defs
"""Magnitudes as classes: the small numbers that contexts are made of, compiled."""

from __future__ import annotations

import numpy as np
from numba import njit


def _log_table(size: int) -> np.ndarray:
    """Half-octave classes of a magnitude: 0 1 2 3 4 5 5 6 6 7 7 7 8 ..."""
    edges = [0, 1, 2, 3, 4]
    while edges[-1] < size:
        top = edges[-1]
        edges.append(top + max(1, (top * 27) // 64))
    return (np.searchsorted(np.array(edges), np.arange(size), side="right") - 1).astype(np.int64)


LOG = _log_table(4096)


def _fine_table() -> np.ndarray:
    """Classes of a predicted magnitude in eighths of a step: fine where it decides between 0, 1, 2."""
    edges = [*range(9), *range(10, 25, 2), *range(28, 65, 4)]
    while edges[-1] < 4096:
        edges.append(edges[-1] * 5 // 4)
    return (np.searchsorted(np.array(edges), np.arange(4096), side="right") - 1).astype(np.int64)


FINE = _fine_table()


@njit(cache=True, nogil=True, _nrt=False)
def log(value):
    """Half-octave class of a magnitude."""
    return LOG[min(value, 4095)]


@njit(cache=True, nogil=True, _nrt=False)
def signed(value):
    """`log` of a signed value, around 64."""
    return LOG[min(abs(value), 4095)] * (1 if value >= 0 else -1) + 64


@njit(cache=True, nogil=True, _nrt=False)
def fine(value):
    """Class of a predicted value in eighths of a step, around 64."""
    return FINE[min(abs(value), 4095)] * (1 if value >= 0 else -1) + 64


@njit(cache=True, nogil=True, _nrt=False)
def clip(value, limit):
    """A value in [-limit, limit]."""
    return min(max(value, -limit), limit)


@njit(cache=True, nogil=True, _nrt=False)
def divide(value, step):
    """Rounded division, symmetric around zero."""
    size = (abs(value) + step // 2) // step
    return size if value >= 0 else -size
