# mypy: allow-untyped-defs, no-check-untyped-defs
"""What the coding of a block sees: its plane, and the blocks around it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit


class PlaneView(NamedTuple):
    """What is the same for all blocks of a view."""

    number: Any  # of the plane, and the same with all chroma planes as one
    kind: Any
    quality: Any  # class of the quantisation
    columns: Any
    table: Any  # [64] quantisation steps
    log_step: Any  # [64] their classes
    warped: Any  # is there a prediction?
    side_rows: Any  # where the weights of predicted blocks begin
    coefs: Any  # all planes
    preds: Any  # [2, coefficients] in eighths of a step


class Around(NamedTuple):
    """What is known when a block is coded; blocks are int16 [64], zeros where there is none."""

    at: Any  # where its coefficients begin
    here: Any
    left: Any
    above: Any
    corner: Any
    right: Any
    left_2: Any
    above_2: Any
    has_left: Any
    has_above: Any
    twin: Any  # the plane before has the same layout ...
    twin_at: Any  # ... and its block begins here
    light: Any  # [64] magnitudes of the first plane's blocks at this place
    n_light: Any  # how many inner coefficients these have, and the twin
    n_twin: Any
    reliability: Any  # of the prediction, 0 to 3
    block: Any  # [64] the block, as far as it is coded
    sums: Any  # [16] its inner coefficients times their steps, summed over each row, and over each column
    beside: Any  # [24] border frequencies, last samples, and those before them, of the left block
    below: Any  # [24] and of the one above


@njit(cache=True, nogil=True, _nrt=False)
def twin_value(view, hood, k):
    """The coefficient of the plane before at the same place, 0 where there is none."""
    return np.int64(view.coefs[hood.twin_at + k]) if hood.twin else np.int64(0)


@njit(cache=True, nogil=True, _nrt=False)
def error_beside(view, hood, k):
    """How wrong the prediction of a coefficient was in the blocks to the left and above, in quarter steps."""
    total = np.int64(0)
    if hood.has_left:
        total += abs(8 * np.int64(hood.left[k]) - np.int64(view.preds[0, hood.at - 64 + k]))
    if hood.has_above:
        total += abs(8 * np.int64(hood.above[k]) - np.int64(view.preds[0, hood.at - 64 * view.columns + k]))
    return total >> 1
