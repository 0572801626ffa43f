"""NumPy arrays and archives as clouds."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from geo3d.errors import FormatError
from geo3d.io import read_points, write_points
from geo3d.io.points.npy import parse_npy
from geo3d.types import PointCloud


@pytest.mark.parametrize("dtype", ["i2", "u1", "i4", "i8", "f4", "f8", ">f4", "f2"])
def test_npy_keeps_the_dtype(tmp_path, dtype):
    points = np.arange(12).reshape(4, 3).astype(dtype)
    np.save(tmp_path / "a.npy", points)
    back = read_points(tmp_path / "a.npy").points
    assert np.array_equal(back, points)
    assert back.dtype == (np.float32 if dtype == "f2" else np.dtype(dtype).newbyteorder("="))


def test_npy_orders_and_versions(tmp_path):
    points = np.asfortranarray(np.random.default_rng(0).normal(size=(7, 3)))
    for version in ((1, 0), (2, 0)):
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, points, version)
        assert np.array_equal(parse_npy(buffer.getvalue(), "x"), points)


def test_columns_mean_what_the_rule_says(tmp_path):
    rng = np.random.default_rng(0)
    points = rng.normal(size=(9, 3))
    colors = rng.integers(0, 256, (9, 3))
    normals = points / np.linalg.norm(points, axis=1, keepdims=True)
    np.save(tmp_path / "a.npy", np.c_[points, colors])
    assert np.array_equal(read_points(tmp_path / "a.npy").colors, colors)
    np.save(tmp_path / "a.npy", np.c_[points, colors / 255])
    assert np.array_equal(read_points(tmp_path / "a.npy").colors, colors)
    np.save(tmp_path / "a.npy", np.c_[points, normals])
    assert np.allclose(read_points(tmp_path / "a.npy").normals, normals)
    np.save(tmp_path / "a.npy", np.c_[points, normals * 7])
    assert list(read_points(tmp_path / "a.npy").attributes) == ["column_3", "column_4", "column_5"]


def test_npz_round_trip(tmp_path, make_cloud, assert_same):
    cloud = make_cloud()
    cloud = PointCloud(cloud.points, cloud.colors, cloud.normals, {**cloud.attributes, "file": np.arange(50)})
    for compressed in (True, False):
        write_points(tmp_path / "a.npz", cloud, compressed=compressed)
        assert_same(cloud, read_points(tmp_path / "a.npz"))
    with np.load(tmp_path / "a.npz") as peer:
        assert np.array_equal(peer["points"], cloud.points)


def test_losses_are_said(tmp_path, make_cloud, caplog):
    write_points(tmp_path / "a.npy", make_cloud())
    assert "colors, normals, intensity" in caplog.text


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros(3), "shape"),
        (np.zeros((4, 2)), "shape"),
        (np.zeros((2, 3), complex), "complex128"),
        (np.array([["a", "b", "c"]]), "cloud is"),
    ],
)
def test_wrong_arrays(tmp_path, array, message):
    np.save(tmp_path / "w.npy", array)
    with pytest.raises(FormatError, match=message):
        read_points(tmp_path / "w.npy")


def test_pickles_are_refused(tmp_path):
    np.save(tmp_path / "p.npy", np.array([{}, None, 1], dtype=object), allow_pickle=True)
    with pytest.raises(FormatError, match="pickled"):
        read_points(tmp_path / "p.npy")


@pytest.mark.parametrize("shape", ["(1000000000000, 3)", "(-1, 3)", "(9" + "9" * 30 + ", 3)", "(" * 300, "(1+1, 3)"])
def test_hostile_headers(tmp_path, shape):
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(950).encode() + b"\n"
    data = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(48)
    (tmp_path / "h.npy").write_bytes(data)
    with pytest.raises(FormatError):
        read_points(tmp_path / "h.npy")
    with zipfile.ZipFile(tmp_path / "h.npz", "w") as archive:
        archive.writestr("points.npy", data)
    with pytest.raises(FormatError):
        read_points(tmp_path / "h.npz")


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_damage(tmp_path, make_cloud, survives_damage, name):
    write_points(tmp_path / name, make_cloud(20))
    survives_damage(read_points, tmp_path / name)
