"""COLMAP models written by hand from its file format description, text and binary."""

from __future__ import annotations

import contextlib
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo3d.errors import FormatError
from geo3d.io import open_rgbd
from geo3d.io.rgbd.colmap import read_colmap

CAMERAS = {
    1: ("OPENCV", 4, [600.0, 610, 320.5, 240, 0.1, -0.05, 0.001, 0.002]),
    7: ("SIMPLE_RADIAL", 2, [500.0, 64, 48, 0.03]),
}
SIZES = {1: (640, 480), 7: (128, 96)}


def truth():
    from scipy.spatial.transform import Rotation

    R = Rotation.random(3, random_state=4)
    points = np.random.default_rng(4).normal(size=(5, 3))
    return R.as_quat(), np.array([[1.0, 2, 3], [0, 0, 1], [-1, 0, 0.5]]), R.as_matrix(), points


def write_text(folder):
    q, t, _, points = truth()
    cameras = [f"{n} {m} {SIZES[n][0]} {SIZES[n][1]} {' '.join(map(repr, p))}" for n, (m, _, p) in CAMERAS.items()]
    (folder / "cameras.txt").write_text("# Camera list\n" + "\n".join(cameras) + "\n")
    lines = ["# Image list"]
    for i in range(3):
        x, y, z, w = map(float, q[i])
        pose = " ".join(map(repr, [w, x, y, z, *t[i].tolist()]))
        lines += [f"{i + 1} {pose} {7 if i == 1 else 1} sub dir/{2 - i}.jpg", "10.5 20.5 -1 3 4 2" if i else ""]
    (folder / "images.txt").write_text("\n".join(lines) + "\n")
    rows = [f"{i} {' '.join(map(repr, p))} {i} 20 255 0.5 1 0 2 3" for i, p in enumerate(points.tolist())]
    (folder / "points3D.txt").write_text("# 3D point list\n" + "\n".join(rows))


def write_binary(folder):
    q, t, _, points = truth()
    data = struct.pack("<Q", 2)
    for n, (_, model, p) in CAMERAS.items():
        data += struct.pack(f"<IiQQ{len(p)}d", n, model, *SIZES[n], *p)
    (folder / "cameras.bin").write_bytes(data)
    data = struct.pack("<Q", 3)
    for i in range(3):
        x, y, z, w = q[i]
        data += (
            struct.pack("<I7dI", i + 1, w, x, y, z, *t[i], 7 if i == 1 else 1) + f"sub dir/{2 - i}.jpg".encode() + b"\0"
        )
        data += struct.pack("<Q", i) + struct.pack("<ddq", 1, 2, -1) * i
    (folder / "images.bin").write_bytes(data)
    data = struct.pack("<Q", 5)
    for i, p in enumerate(points):
        data += struct.pack("<Q3d3BdQ", i, *p, i, 20, 255, 0.5, 2) + struct.pack("<4I", 1, 0, 2, 3)
    (folder / "points3D.bin").write_bytes(data)


@pytest.mark.parametrize("write", [write_text, write_binary])
@pytest.mark.parametrize("place", ["", "sparse/0"])
def test_poses_cameras_and_points(tmp_path, write, place):
    (tmp_path / place).mkdir(parents=True, exist_ok=True)
    write(tmp_path / place)
    model = read_colmap(tmp_path)
    _, t, R, points = truth()
    assert [i.name for i in model.images] == ["sub dir/0.jpg", "sub dir/1.jpg", "sub dir/2.jpg"]
    for image, i in zip(model.images, (2, 1, 0), strict=True):
        # A world point X is seen at R X + t.
        X = np.array([0.3, -0.2, 5.0])
        seen = np.linalg.inv(image.T_world_camera) @ [*X, 1]
        assert np.abs(seen[:3] - (R[i] @ X + t[i])).max() < 1e-12
        assert image.camera == (7 if i == 1 else 1)
    camera = model.cameras[1]
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (600, 610, 320, 239.5)
    assert camera.distortion == (0.1, -0.05, 0.001, 0.002)
    assert model.cameras[7].distortion == (0.03, 0, 0, 0)
    assert (model.points.points == points).all()
    assert model.points.colors[3].tolist() == [3, 20, 255]
    assert model.points.attributes["views"].tolist() == [2] * 5


def test_refusals(tmp_path):
    with pytest.raises(FormatError, match="no COLMAP model"):
        read_colmap(tmp_path)
    write_text(tmp_path)
    (tmp_path / "cameras.txt").write_text("1 OPENCV_FISHEYE 640 480 1 1 1 1 0 0 0 0")
    with pytest.raises(FormatError, match="undistort"):
        read_colmap(tmp_path)
    (tmp_path / "cameras.txt").write_text("2 PINHOLE 640 480 1 1 1 1")
    with pytest.raises(FormatError, match="names camera"):
        read_colmap(tmp_path)


@settings(max_examples=60, deadline=None)
@given(
    which=st.sampled_from(["cameras", "images", "points3D"]),
    at=st.integers(0, 400),
    value=st.integers(0, 255),
    cut=st.booleans(),
)
def test_damaged_binary_files_are_refused_or_read(tmp_path_factory, which, at, value, cut):
    folder = tmp_path_factory.mktemp("colmap")
    write_binary(folder)
    file = folder / f"{which}.bin"
    data = bytearray(file.read_bytes())
    at %= len(data)
    data[at] = value
    file.write_bytes(data[:at] if cut else data)
    if cut:
        with pytest.raises(FormatError):
            read_colmap(folder)
        return
    with contextlib.suppress(FormatError):
        assert len(read_colmap(folder).images) <= 3


@pytest.mark.parametrize("write", [write_text, write_binary])
def test_what_is_missing_of_a_model_is_named(tmp_path, write):
    write(tmp_path)
    with pytest.raises(FormatError, match="is a COLMAP model, which has no depth"):
        open_rgbd(tmp_path)
    points = next(tmp_path.glob("points3D.*"))
    points.unlink()
    with pytest.raises(FormatError, match=f"{points.name} must be there too"):
        open_rgbd(tmp_path)
    for path in tmp_path.iterdir():
        path.unlink()
    with pytest.raises(FormatError, match="no known RGB-D layout"):
        open_rgbd(tmp_path)
