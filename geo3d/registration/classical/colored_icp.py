"""Colored ICP (Park, Zhou, Koltun 2017); Open3D's implementation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import RegistrationError
from geo3d.registration.classical.start import start
from geo3d.registration.prepare import CloudPair


def colored_icp(pair: CloudPair, init: NDArray[np.float64] | None, seed: int) -> NDArray[np.float64]:
    """Local: starts from `init`; both clouds must have colours."""
    import open3d as o3d

    if pair.source.colors is None or pair.target.colors is None:
        raise RegistrationError("colored-icp needs colours in both clouds; use --method icp or gicp")
    reg = o3d.pipelines.registration
    source, target = pair.source.to_open3d(), pair.target.to_open3d()
    T = start(pair, init)
    for r in (4.0, 2.0, 1.0):
        try:
            result = reg.registration_colored_icp(
                source,
                target,
                r * pair.voxel,
                T,
                reg.TransformationEstimationForColoredICP(),
                reg.ICPConvergenceCriteria(1e-6, 1e-6, 40),
            )
        except RuntimeError:
            # Open3D raises where no point is within reach.
            break
        if np.isfinite(result.transformation).all():
            T = np.asarray(result.transformation)
    return T
