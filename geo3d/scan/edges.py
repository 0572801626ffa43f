"""Edges between keyframes: align, verify through both cameras, and weigh by what the images really fix."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo3d.registration.dense import FrameMaps, align
from geo3d.registration.dense.consistency import consistency
from geo3d.registration.pose_graph import Edge
from geo3d.registration.se3 import angle

# Residuals of neighbouring pixels are correlated and share calibration errors: one independent residual in so many.
CORRELATION = 60.0
# What calibration and rolling shutter leave even with perfect data: rad, and metres per metre of depth.  It grows
# with the change of view, because depth errors that cancel between like views no longer do.
FLOOR_ROTATION = 0.002
FLOOR_TRANSLATION = 0.002
VIEW_ROTATION = 0.17
VIEW_TRANSLATION = 0.1  # of the median depth


def information_of_pair(H: NDArray[np.float64], T: NDArray[np.float64], target: FrameMaps) -> NDArray[np.float64]:
    """[6, 6] information of an aligned pair: inverse of (correlated noise + a floor).

    Parameters
    ----------
    H : [6, 6] Gauss-Newton information at the pose T = T_target_source.
    """
    median_depth = float(np.median(target.levels[2].points[:, 2]))
    H = H + np.eye(6) * 1e-3
    change = 1 + angle(T) / VIEW_ROTATION + np.linalg.norm(T[:3, 3]) / (VIEW_TRANSLATION * median_depth)
    floor = np.diag([FLOOR_ROTATION**2] * 3 + [(FLOOR_TRANSLATION * median_depth) ** 2] * 3)
    covariance = np.linalg.inv(H) * CORRELATION + floor * change**2
    return np.asarray(np.linalg.inv((covariance + covariance.T) / 2), dtype=np.float64)


def verified_edge(
    i: int, j: int, maps_i: FrameMaps, maps_j: FrameMaps, T_i_j: NDArray[np.float64], *, robust: bool = True
) -> Edge | None:
    """Align keyframe j to i from a guess; None if the images do not agree with the result."""
    alignment = align(maps_j, [(maps_i, np.eye(4))], T_i_j, stride=2)
    T = alignment.T_target_source
    seen = consistency(maps_j, maps_i, T, level=1)
    if (
        seen.pairs < 400
        or seen.overlap < 0.15
        or seen.worse_consistent < 0.55
        or seen.worse_violation > 0.05
        or alignment.matched < 0.6
    ):
        return None
    return Edge(i, j, T, information_of_pair(alignment.information, T, maps_i), robust)
