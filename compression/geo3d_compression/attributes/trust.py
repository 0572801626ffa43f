# mypy: allow-untyped-defs, no-check-untyped-defs
"""How much of the prediction from the level above a level's colours subtract (the encoder's choice, in the stream)."""

from __future__ import annotations

import numpy as np
from geo3d_compression.attributes.raht import (
    GAIN,
    STEP_UNIT,
    UNIT,
    Nodes,
    children_of,
    differences,
    predict_node,
    weigh,
)
from numba import njit
from numpy.typing import NDArray

# Shares: 0 ... 7 sevenths.
TRUST = 7
USUAL_TRUST = 6
# Another share is taken where it makes the values at least so much cheaper.
_MARGIN = 0.97
_SAMPLE = 20000


def best_trust(
    nodes: Nodes, means: NDArray[np.int64], truth: NDArray[np.int64], steps: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The share [3] of the predicted differences that is best subtracted, as if earlier children were exact.

    means [n + 1, 3]: of the nodes; truth [M, 3]: of the children, in 1 / UNIT; steps [3], in sixteenths.
    Not least squares: colours that are constant in patches have few high values, and a smooth prediction makes many.
    """
    stride = max(1, (len(means) - 1) // _SAMPLE)
    known = np.concatenate([truth, np.zeros((1, 3), np.int64)])
    costs = _costs(nodes.level.neighbours, nodes.occupancy, nodes.first, nodes.weights, means, known, steps, stride)
    return np.where(costs.min(axis=1) < _MARGIN * costs[:, USUAL_TRUST], costs.argmin(axis=1), USUAL_TRUST)


@njit(cache=True, nogil=True)
def _costs(neighbours, occupancy, first, weights, means, truth, steps, stride):
    costs = np.zeros((3, TRUST + 1))
    guess, exact = np.zeros((8, 3), np.int64), np.zeros((8, 3), np.int64)
    w, sums, gains = np.zeros((3, 8), np.int64), np.zeros(8, np.int64), np.zeros(8, np.int64)
    for p in range(0, neighbours.shape[0] - 1, stride):
        if not weigh(occupancy[p], weights, first[p], w, sums, gains):
            continue
        predict_node(p, neighbours, occupancy, first, means, truth, guess)
        children_of(p, occupancy, first, means, truth, exact)
        for c in range(3):
            differences(guess, w, sums, gains, c)
            differences(exact, w, sums, gains, c)
            for k in range(1, 8):
                if gains[k]:
                    scale = gains[k] * (STEP_UNIT / (UNIT * GAIN)) / steps[c]
                    x, y = guess[k, c] * scale, exact[k, c] * scale
                    for t in range(TRUST + 1):
                        costs[c, t] += np.log2(1 + abs(y - x * t / TRUST))
    return costs
