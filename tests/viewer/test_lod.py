"""Which points are drawn of large clouds."""

from __future__ import annotations

import numpy as np
from geo3d_viewer.camera import ViewCamera
from geo3d_viewer.lod import points_in_view, thinned_cloud

from geo3d.types import PointCloud


def test_small_clouds_are_whole_and_large_ones_within_budget() -> None:
    p = np.random.default_rng(0).uniform(-1, 1, (5000, 3))
    camera = ViewCamera((0, -5, 0), (0, 0, 0))
    assert points_in_view(p, camera, 1.0, 5000) == slice(None)
    index = points_in_view(p, camera, 1.0, 700)
    assert isinstance(index, np.ndarray)
    assert 600 < len(index) <= 700
    assert len(np.unique(index)) == len(index)


def test_zooming_in_keeps_every_point_in_view() -> None:
    p = np.random.default_rng(0).uniform(-1, 1, (2_200_000, 3)).astype(np.float32)
    camera = ViewCamera((0, -1.1, 0), (0, 0, 0), fov=8)
    index = points_in_view(p, camera, 4 / 3, 100_000)
    f = camera.focal(2)
    q = (p - camera.position).astype(np.float64)
    expected = np.flatnonzero((q[:, 1] > 0) & (np.abs(q[:, 2]) * f < q[:, 1]) & (np.abs(q[:, 0]) * f < 4 / 3 * q[:, 1]))
    assert len(expected) < 100_000
    assert np.isin(expected, index).all()
    assert len(index) < 1.1 * len(expected)


def test_thinned_clouds_keep_their_attributes() -> None:
    cloud = PointCloud(np.arange(30.0).reshape(10, 3), attributes={"i": np.arange(10)})
    assert thinned_cloud(cloud, 10) is cloud
    assert thinned_cloud(cloud, 4).attributes["i"].tolist() == [0, 3, 6, 9]
