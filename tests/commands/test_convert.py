"""The verb `convert`."""

from __future__ import annotations

import json

import numpy as np
import pytest

from geo3d.commands.convert import convert
from geo3d.errors import FormatError
from geo3d.io import read_mesh, read_points, write_points
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
