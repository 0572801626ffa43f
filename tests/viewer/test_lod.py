"""A part of a cloud keeps what the points have."""

from __future__ import annotations

import numpy as np
from geo3d_viewer.lod import thinned_cloud

from geo3d.types import PointCloud


def test_thinning_keeps_attributes_and_small_clouds() -> None:
    cloud = PointCloud(np.arange(30.0).reshape(10, 3), attributes={"i": np.arange(10)})
    assert thinned_cloud(cloud, 10) is cloud
    assert thinned_cloud(cloud, 4).attributes["i"].tolist() == [0, 3, 6, 9]
