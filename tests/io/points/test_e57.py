"""E57: round trips, pye57 as the peer, poses, damage."""

from __future__ import annotations

import numpy as np
import pytest

from geo3d.errors import FormatError
from geo3d.io import read_points, write_points
from geo3d.types import PointCloud

pye57 = pytest.importorskip("pye57")


def test_utm_coordinates_keep_every_bit(tmp_path):
    rng = np.random.default_rng(0)
    points = rng.uniform(size=(200, 3)) + [691234.0, 5412345.0, 300.0]
    colors = rng.integers(0, 256, (200, 3)).astype(np.uint8)
    attributes = {"intensity": rng.uniform(size=200).astype(np.float32), "time_stamp": rng.uniform(size=200)}
    write_points(tmp_path / "c.e57", PointCloud(points, colors, None, attributes))
    back = read_points(tmp_path / "c.e57")
    assert np.array_equal(back.points, points)  # pye57's own writer would round them to 0.25 m
    assert np.array_equal(back.colors, colors)
    for name, values in attributes.items():
        assert np.array_equal(back.attributes[name], values), name
    file = pye57.E57(str(tmp_path / "c.e57"))
    peer = file.read_scan(0, intensity=True, colors=True, ignore_missing_fields=True)
    file.close()
    assert np.array_equal(peer["cartesianX"], points[:, 0])
    assert np.array_equal(peer["colorBlue"], colors[:, 2])


def test_several_scans_are_moved_by_their_poses(tmp_path):
    points = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32).astype(np.float64)
    file = pye57.E57(str(tmp_path / "s.e57"), mode="w")
    columns = dict(zip(("cartesianX", "cartesianY", "cartesianZ"), points.T.copy(), strict=True))
    half = np.sqrt(0.5)
    file.write_scan_raw(columns, rotation=np.array([half, 0, 0, half]), translation=np.array([10.0, 20.0, 30.0]))
    file.write_scan_raw(columns)
    file.close()
    cloud = read_points(tmp_path / "s.e57")
    turned = points @ np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1.0]]).T + [10, 20, 30]
    assert np.allclose(cloud.points[:30], turned, atol=1e-6)
    assert np.allclose(cloud.points[30:], points, atol=1e-6)
    assert cloud.attributes["scan"].tolist() == [0] * 30 + [1] * 30


def test_losses_are_said(tmp_path, caplog):
    write_points(tmp_path / "l.e57", PointCloud(np.zeros((2, 3)), attributes={"label": np.zeros(2)}))
    assert "label" in caplog.text
    with pytest.raises(FormatError, match="NaN"):
        write_points(tmp_path / "n.e57", PointCloud(np.full((1, 3), np.nan)))
    with pytest.raises(FormatError, match="at least one point"):
        write_points(tmp_path / "n.e57", PointCloud(np.zeros((0, 3))))


def test_damage(tmp_path, make_cloud, survives_damage):
    write_points(tmp_path / "c.e57", make_cloud(20, rich=False))
    survives_damage(read_points, tmp_path / "c.e57", count=100)
