"""KISS-Matcher (Lim et al. 2025), then ICP; the authors' implementation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo3d.optional import require
from geo3d.registration.classical.icp import icp
from geo3d.registration.prepare import CloudPair


def kiss_matcher(pair: CloudPair, init: NDArray[np.float64] | None, seed: int) -> NDArray[np.float64]:
    """Global: needs no start."""
    package = require("kiss_matcher", "kiss", "the method kiss-matcher", "kiss-matcher")
    matcher = package.KISSMatcher(package.KISSMatcherConfig(float(pair.voxel)))
    found = matcher.estimate(pair.source.points.astype(np.float32), pair.target.points.astype(np.float32))
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = np.asarray(found.rotation), np.asarray(found.translation).ravel()
    if not np.isfinite(T).all():
        T = np.eye(4)
    return icp(pair, pair.uncentered(T), seed)
