"""Point-to-plane ICP (Chen & Medioni 1992) with a Tukey weight, coarse to fine; Open3D's implementation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo3d.registration.classical.start import start
from geo3d.registration.prepare import CloudPair

# Reach in voxels, coarse to fine.
REACH = (4.0, 2.0, 1.0)


def icp(pair: CloudPair, init: NDArray[np.float64] | None, seed: int) -> NDArray[np.float64]:
    """Local: starts from `init`."""
    return refine(pair, start(pair, init), REACH)


def refine(pair: CloudPair, T: NDArray[np.float64], reach: tuple[float, ...]) -> NDArray[np.float64]:
    """ICP from T (centred frames) at the given reaches in voxels."""
    import open3d as o3d

    reg = o3d.pipelines.registration
    source, target = pair.source.to_open3d(), pair.target.to_open3d()
    for r in reach:
        estimator = reg.TransformationEstimationPointToPlane(reg.TukeyLoss(r * pair.voxel))
        criteria = reg.ICPConvergenceCriteria(1e-6, 1e-6, 40)
        T_next = reg.registration_icp(source, target, r * pair.voxel, T, estimator, criteria).transformation
        if np.isfinite(T_next).all():
            T = np.asarray(T_next)
    return T
