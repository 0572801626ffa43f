"""FPFH matches and RANSAC (Rusu et al. 2009, Fischler & Bolles 1981), then ICP; Open3D's parts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.registration.classical.icp import icp
from geo3d.registration.prepare import CloudPair


def ransac(pair: CloudPair, init: NDArray[np.float64] | None, seed: int) -> NDArray[np.float64]:
    """Global: needs no start."""
    import open3d as o3d

    # Open3D's stubs contradict its functions.
    reg: Any = o3d.pipelines.registration
    o3d.utility.random.seed(seed)
    source, target = pair.source.to_open3d(), pair.target.to_open3d()
    search = o3d.geometry.KDTreeSearchParamHybrid(radius=5 * pair.voxel, max_nn=100)
    reach = 1.5 * pair.voxel
    result = reg.registration_ransac_based_on_feature_matching(
        source,
        target,
        reg.compute_fpfh_feature(source, search),
        reg.compute_fpfh_feature(target, search),
        True,
        reach,
        reg.TransformationEstimationPointToPoint(False),
        3,
        [
            reg.CorrespondenceCheckerBasedOnEdgeLength(0.9),
            reg.CorrespondenceCheckerBasedOnDistance(reach),
        ],
        reg.RANSACConvergenceCriteria(100_000, 0.999),
    )
    return icp(pair, pair.uncentered(np.asarray(result.transformation)), seed)
