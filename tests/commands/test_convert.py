"""The verb `convert`."""

from __future__ import annotations

import json

import numpy as np
import pytest

from geo3d.commands.convert import convert
from geo3d.errors import FormatError
from geo3d.io import open_rgbd, read_mesh, read_points, read_trajectory, write_points
from geo3d.io.volumes import read_volume
from geo3d.types import PointCloud


@pytest.fixture
def cloud() -> PointCloud:
    rng = np.random.default_rng(0)
    points = rng.uniform(size=(40, 3)) + [691234.0, 5412345.0, 300.0]
    colors = rng.integers(0, 256, (40, 3)).astype(np.uint8)
    return PointCloud(points, colors, None, {"intensity": rng.uniform(size=40).astype(np.float32)})


def test_a_chain_through_all_formats_keeps_millimetres(tmp_path, cloud, capsys):
    previous = tmp_path / "a.ply"
    write_points(previous, cloud)
    for suffix in ("pcd", "npz", "xyz", "csv", "e57", "laz", "las", "txt", "ply"):
        current = tmp_path / f"b.{suffix}"
        convert(previous, current)
        previous = current
    back = read_points(previous)
    assert np.abs(back.points - cloud.points).max() < 1e-5
    assert np.array_equal(back.colors, cloud.colors)
    assert np.allclose(back.attributes["intensity"], cloud.attributes["intensity"])


def test_json_is_one_object_with_what_was_lost(tmp_path, cloud, capsys):
    write_points(tmp_path / "a.ply", cloud)
    convert(tmp_path / "a.ply", tmp_path / "a.bin", json=True)
    captured = capsys.readouterr()
    answer = json.loads(captured.out)
    assert captured.out.count("\n") == 1
    assert answer["points"] == 40
    assert answer["bytes"] == (tmp_path / "a.bin").stat().st_size
    assert any("colors" in m for m in answer["messages"])
    assert "left out: colors" in captured.err


def test_options(tmp_path, cloud, capsys):
    points = cloud.points.copy()
    points[3] = np.nan
    write_points(tmp_path / "a.npy", PointCloud(points))
    with pytest.raises(FormatError, match="drop them"):
        convert(tmp_path / "a.npy", tmp_path / "a.las")
    convert(tmp_path / "a.npy", tmp_path / "a.las", drop_nan=True, scale=0.01)
    assert len(read_points(tmp_path / "a.las")) == 39
    assert "1 points without finite" in capsys.readouterr().err
    convert(tmp_path / "a.npy", tmp_path / "a.ply", encoding="ascii")
    assert (tmp_path / "a.ply").read_bytes().startswith(b"ply\nformat ascii")
    with pytest.raises(FormatError, match="no option encoding"):
        convert(tmp_path / "a.npy", tmp_path / "b.xyz", encoding="ascii")


def test_meshes(tmp_path, samples, capsys):
    source = samples / "mug.ply"
    for suffix in ("obj", "stl", "off", "glb", "ply"):
        convert(source, tmp_path / f"m.{suffix}")
        assert len(read_mesh(tmp_path / f"m.{suffix}").faces) == 384
    convert(source, tmp_path / "m.xyz")
    assert "384 are left out" in capsys.readouterr().err
    assert len(read_points(tmp_path / "m.xyz")) == 194
    with pytest.raises(FormatError, match="geo3d reconstruct"):
        convert(tmp_path / "m.xyz", tmp_path / "n.stl")
    with pytest.raises(FormatError, match="option for clouds"):
        convert(source, tmp_path / "n.stl", encoding="ascii")


def test_wrong_names(tmp_path, cloud):
    write_points(tmp_path / "a.ply", cloud)
    with pytest.raises(FormatError, match="the input itself"):
        convert(tmp_path / "a.ply", tmp_path / "a.ply")
    with pytest.raises(FormatError, match="no such file"):
        convert(tmp_path / "b.ply", tmp_path / "c.ply")
    with pytest.raises(FormatError, match="does not exist"):
        convert(tmp_path / "a.ply", tmp_path / "none" / "c.ply")
    assert [p.name for p in tmp_path.iterdir()] == ["a.ply"]


COLMAP = {
    "cameras.txt": "1 PINHOLE 64 48 50 51 32 24\n",
    "images.txt": "1 1 0 0 0 0.5 0 0 1 a.jpg\n\n2 1 0 0 0 -0.5 0 1 1 b.jpg\n\n",
    "points3D.txt": "1 0.5 1 2 255 0 0 0.1\n2 1.5 0 3 0 255 0 0.2\n",
}


def test_a_colmap_model_gives_its_points_or_its_poses(tmp_path, capsys):
    folder = tmp_path / "model" / "sparse" / "0"
    folder.mkdir(parents=True)
    for name, text in COLMAP.items():
        (folder / name).write_text(text)
    convert(tmp_path / "model", tmp_path / "points.ply", json=True)
    assert json.loads(capsys.readouterr().out)["points"] == 2
    cloud = read_points(tmp_path / "points.ply")
    assert cloud.points.tolist() == [[0.5, 1, 2], [1.5, 0, 3]]
    assert cloud.colors.tolist() == [[255, 0, 0], [0, 255, 0]]
    convert(tmp_path / "model", tmp_path / "poses.log")
    # World to camera in the file, camera to world here.
    assert read_trajectory(tmp_path / "poses.log").positions.tolist() == [[-0.5, 0, 0], [0.5, 0, -1]]
    convert(tmp_path / "poses.log", tmp_path / "poses.tum")
    assert np.allclose(read_trajectory(tmp_path / "poses.tum").positions, [[-0.5, 0, 0], [0.5, 0, -1]])


def test_rgbd_folders_and_volumes(tmp_path, samples, capsys):
    short = tmp_path / "short"
    short.mkdir()
    names = open_rgbd(samples / "box_desk").names[:2]
    for file in (samples / "box_desk").iterdir():
        if not file.name.startswith("frame-") or file.name.split(".")[0] in names:
            (short / file.name).write_bytes(file.read_bytes())
    convert(short, tmp_path / "poses.tum", json=True)
    assert json.loads(capsys.readouterr().out)["poses"] == 2
    convert(short, tmp_path / "ns")
    assert (tmp_path / "ns" / "transforms.json").is_file()
    before, after = open_rgbd(short), open_rgbd(tmp_path / "ns")
    assert np.allclose(before.T_world_camera[1], after.T_world_camera[1], atol=1e-9)
    with pytest.raises(FormatError, match="go into a folder"):
        convert(short, tmp_path / "frames.ply")
    voxels = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    np.save(tmp_path / "v.npy", voxels)
    convert(tmp_path / "v.npy", tmp_path / "v.nrrd")
    assert (read_volume(tmp_path / "v.nrrd").voxels == voxels).all()
    # An .npy of points is a cloud as ever.
    np.save(tmp_path / "p.npy", np.eye(3))
    convert(tmp_path / "p.npy", tmp_path / "p.ply")
    assert len(read_points(tmp_path / "p.ply")) == 3
