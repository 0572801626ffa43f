"""Bounded errors: samples in steps of 2 N + 1, so that none moves by more than N."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST = 1 << 12


def to_steps(samples: NDArray[Any], near: int) -> NDArray[Any]:
    """Numbers of the nearest steps, as the samples' type."""
    return _by_rows(samples, lambda row: (row + near) // (2 * near + 1))


def from_steps(steps: NDArray[Any], near: int, highest: int) -> NDArray[Any]:
    """The samples that steps stand for, at most `highest`."""
    return _by_rows(steps, lambda row: np.minimum(row * (2 * near + 1), highest))


def _by_rows(samples: NDArray[Any], change: Callable[[NDArray[np.int64]], NDArray[np.int64]]) -> NDArray[Any]:
    # Only rows are widened: a whole picture of 100 Mpixel would take gigabytes.
    out = np.zeros_like(samples)
    for k, row in enumerate(samples):
        out[k] = change(row.astype(np.int64))
    return out
