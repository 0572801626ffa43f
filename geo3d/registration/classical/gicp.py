"""Generalized ICP (Segal et al. 2009); small_gicp's implementation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo3d.optional import require
from geo3d.registration.classical.start import start
from geo3d.registration.prepare import CloudPair


def gicp(pair: CloudPair, init: NDArray[np.float64] | None, seed: int) -> NDArray[np.float64]:
    """Local: starts from `init`."""
    small_gicp = require("small_gicp", "all", "the method gicp", "small-gicp")
    T = start(pair, init)
    target, tree = small_gicp.preprocess_points(pair.target.points, 0.5 * pair.voxel, num_neighbors=15, num_threads=1)
    source, _ = small_gicp.preprocess_points(pair.source.points, 0.5 * pair.voxel, num_neighbors=15, num_threads=1)
    for reach in (4.0, 2.0):
        result = small_gicp.align(
            target,
            source,
            tree,
            T,
            registration_type="GICP",
            max_correspondence_distance=reach * pair.voxel,
            num_threads=1,
            max_iterations=40,
        )
        if np.isfinite(result.T_target_source).all():
            T = np.asarray(result.T_target_source)
    return T
