"""Near-lossless depth: fewer steps, so that no depth moves by more than a bound."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def representatives(values: NDArray[np.int64], bound: int) -> NDArray[np.int64]:
    """For each rising value the one that stands for it, at most `bound` away; as few different ones as possible.

    Greedy from below: the largest value within `bound` of the smallest one left stands for all within `bound` of it,
    which is optimal for covering points on a line.
    """
    stands = np.zeros_like(values)
    first = 0
    while first < len(values):
        middle = values[np.searchsorted(values, values[first] + bound, side="right") - 1]
        end = int(np.searchsorted(values, middle + bound, side="right"))
        stands[first:end] = middle
        first = end
    return stands
