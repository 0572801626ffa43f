"""Where the colour camera stands, when the data set does not say (encoder only; the result is stored).

Many sensors ship depth and colour as if one camera had taken both.  A few typical differences are tried on some pairs
of frames; the one that aligns them best is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from geo3d_compression.rgbd.motion import Calibration, Motion, from_matrix
from geo3d_compression.rgbd.refine import align, pyramid
from geo3d_compression.rgbd.warp import depth_in_color

_SCALES = (1.0, 0.95, 0.9)
_OFFSETS = (0.0, -0.025, 0.025)
# A change has to lower the error by this much to be believed.
_WORTH = 0.99

Pair = tuple[
    NDArray[np.float32], NDArray[np.float32], NDArray[np.uint16], NDArray[np.float64] | None, NDArray[np.float64] | None
]


def calibrate(pairs: Sequence[Pair], nominal: Calibration) -> Calibration:
    """The calibration that aligns best.  A pair: luma here and there, depth here, camera-to-world poses or None."""
    best, least = nominal, np.inf
    for scale, offset in product(_SCALES, _OFFSETS):
        fx, fy, cx, cy = nominal.color
        shift = np.eye(4)
        shift[0, 3] = offset
        trial = Calibration(
            nominal.depth, (fx * scale, fy * scale, cx, cy), from_matrix(shift) if offset else Motion(),
            nominal.steps_per_metre, nominal.far,
        )  # fmt: skip
        error = sum(_error(pair, trial) for pair in pairs)
        if error < least * (_WORTH if np.isfinite(least) else 1.0):
            best, least = trial, error
    return best


def _error(pair: Pair, trial: Calibration) -> float:
    here, there, depth, T_here, T_there = pair
    T_color_depth = np.vstack([trial.T_color_depth.matrix(), [0, 0, 0, 1]])
    start = np.eye(4)
    if T_here is not None and T_there is not None:
        start = T_color_depth @ np.linalg.inv(T_there) @ T_here @ np.linalg.inv(T_color_depth)
    z = depth_in_color(depth, trial, *here.shape)
    fit = align(pyramid(here), pyramid(there), z, trial.color, start, iterations=5, finest=1)
    return min(fit.error, 20.0)
