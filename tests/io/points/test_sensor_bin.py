"""KITTI and nuScenes frames."""

from __future__ import annotations

import numpy as np
import pytest

from geo3d.errors import FormatError
from geo3d.io import read_points, write_points
from geo3d.types import PointCloud


def test_rows_are_read_as_the_data_sets_define_them(tmp_path):
    rows = np.random.default_rng(0).normal(size=(10, 4)).astype("<f4")
    (tmp_path / "k.bin").write_bytes(rows.tobytes())
    cloud = read_points(tmp_path / "k.bin")
    assert np.array_equal(cloud.points, rows[:, :3])
    assert np.array_equal(cloud.attributes["intensity"], rows[:, 3])
    write_points(tmp_path / "l.bin", cloud)
    assert (tmp_path / "l.bin").read_bytes() == rows.tobytes()
    rows = np.c_[rows, np.arange(10) % 7].astype("<f4")
    (tmp_path / "n.pcd.bin").write_bytes(rows.tobytes())
    cloud = read_points(tmp_path / "n.pcd.bin")
    assert np.array_equal(cloud.attributes["ring"], np.arange(10) % 7)
    write_points(tmp_path / "m.pcd.bin", cloud)
    assert (tmp_path / "m.pcd.bin").read_bytes() == rows.tobytes()


def test_a_nuscenes_file_with_kittis_name_is_found_out(tmp_path):
    rows = np.c_[np.random.default_rng(0).normal(size=(12, 4)), np.arange(12)].astype("<f4")
    (tmp_path / "n.bin").write_bytes(rows.tobytes())
    with pytest.raises(FormatError, match=r"name it \.pcd\.bin"):
        read_points(tmp_path / "n.bin")
    (tmp_path / "n.bin").write_bytes(rows[:11].tobytes())
    with pytest.raises(FormatError, match=r"name it \.pcd\.bin"):
        read_points(tmp_path / "n.bin")


def test_losses_are_said(tmp_path, make_cloud, caplog):
    write_points(tmp_path / "c.bin", make_cloud(scale=1e6))
    assert "rounds x y z" in caplog.text
    assert "left out: colors, normals" in caplog.text


def test_empty_and_cut(tmp_path):
    for size in (0, 1, 15, 17, 33):
        for name in ("c.bin", "c.pcd.bin"):
            (tmp_path / name).write_bytes(bytes(size))
            with pytest.raises(FormatError):
                read_points(tmp_path / name)


def test_kitti_frames(shared_data):
    cloud = read_points(shared_data / "pcc/lidar/kitti_00_000000.bin")
    assert len(cloud) == 124668
    assert np.abs(cloud.points).max() < 150
    assert 0 <= cloud.attributes["intensity"].min() <= cloud.attributes["intensity"].max() <= 1


def test_nan_is_returned_as_it_is(tmp_path):
    write_points(tmp_path / "c.bin", PointCloud(np.full((3, 3), np.nan)))
    assert np.isnan(read_points(tmp_path / "c.bin").points).all()
