"""Bounded errors: samples in steps of 2 N + 1, so that none moves by more than N."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST = 1 << 12


def to_steps(samples: NDArray[Any], near: int) -> NDArray[Any]:
    """Numbers of the nearest steps, as the samples' type."""
    return ((samples.astype(np.int64) + near) // (2 * near + 1)).astype(samples.dtype)


def from_steps(steps: NDArray[Any], near: int, highest: int) -> NDArray[Any]:
    """The samples that steps stand for, at most `highest`."""
    return np.minimum(steps.astype(np.int64) * (2 * near + 1), highest).astype(steps.dtype)
