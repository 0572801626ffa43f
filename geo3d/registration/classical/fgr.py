"""Fast global registration (Zhou, Park, Koltun 2016), then ICP; Open3D's implementation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.registration.classical.icp import icp
from geo3d.registration.prepare import CloudPair


def fgr(pair: CloudPair, init: NDArray[np.float64] | None, seed: int) -> NDArray[np.float64]:
    """Global: needs no start."""
    import open3d as o3d

    # Open3D's stubs contradict its functions.
    reg: Any = o3d.pipelines.registration
    o3d.utility.random.seed(seed)
    source, target = pair.source.to_open3d(), pair.target.to_open3d()
    search = o3d.geometry.KDTreeSearchParamHybrid(radius=5 * pair.voxel, max_nn=100)
    result = reg.registration_fgr_based_on_feature_matching(
        source,
        target,
        reg.compute_fpfh_feature(source, search),
        reg.compute_fpfh_feature(target, search),
        reg.FastGlobalRegistrationOption(maximum_correspondence_distance=1.0 * pair.voxel, iteration_number=64),
    )
    T = np.asarray(result.transformation)
    return icp(pair, pair.uncentered(T if np.isfinite(T).all() else np.eye(4)), seed)
