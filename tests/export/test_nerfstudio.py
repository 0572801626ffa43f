"""nerfstudio folders: poses, pixel centres, units and broken frames, checked by geometry and by reading back."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from geo3d.errors import FormatError
from geo3d.export import export_nerfstudio, open_scan
from geo3d.io import open_rgbd, read_points, write_trajectory
from geo3d.io.rgbd.transforms_entries import opengl_pose
from geo3d.types import Trajectory

W, H, N = 32, 24, 5
K = np.array([[30.0, 0, 14.25], [0, 31.0, 11.75], [0, 0, 1]])


def poses():
    from scipy.spatial.transform import Rotation

    T = np.tile(np.eye(4), (N, 1, 1))
    T[:, :3, :3] = Rotation.random(N, random_state=1).as_matrix()
    T[:, :3, 3] = np.random.default_rng(1).normal(size=(N, 3)) * 3
    return T


@pytest.fixture
def folder(tmp_path):
    """A 7-Scenes folder of a plane 2 m before each camera, in steps of 0.2 mm, colour twice as large."""
    place = tmp_path / "rgbd"
    place.mkdir()
    rng = np.random.default_rng(0)
    for i, T in enumerate(poses()):
        Image.fromarray(np.full((H, W), 10000 + 5 * i, np.uint16)).save(place / f"frame-{i:06d}.depth.png")
        color = rng.integers(0, 256, (2 * H, 2 * W, 3)).astype(np.uint8)
        Image.fromarray(color).save(place / f"frame-{i:06d}.color.png")
        np.savetxt(place / f"frame-{i:06d}.pose.txt", T, fmt="%.17g")
    np.savetxt(place / "intrinsics.txt", K)
    (place / "meta.json").write_text(json.dumps({"depth_scale": 5000}))
    return place


def test_poses_cameras_depth_and_colour_come_back(folder, tmp_path):
    result = export_nerfstudio(open_scan(folder), tmp_path / "ns")
    assert (result.frames, result.left_out) == (N, {})
    before, after = open_rgbd(folder), open_rgbd(tmp_path / "ns")
    assert after.names == before.names
    for i in range(N):
        assert np.abs(after.T_world_camera[i] - before.T_world_camera[i]).max() < 1e-9
        a, b = before.load(i), after.load(i)
        assert np.abs(a.depth / a.depth_scale - b.depth / b.depth_scale).max() <= 0.5e-3
        assert (a.color == b.color).all()
    values = [getattr(after.camera, k) - getattr(before.camera, k) for k in ("fx", "fy", "cx", "cy")]
    assert np.abs(values).max() < 1e-9
    assert after.depth_scale == pytest.approx(1000)


def test_transforms_json_projects_the_sparse_points_as_nerfstudio_does(folder, tmp_path):
    export_nerfstudio(open_scan(folder), tmp_path / "ns", sparse_points=400)
    meta = json.loads((tmp_path / "ns/transforms.json").read_text())
    points = read_points(tmp_path / "ns" / meta["ply_file_path"]).points.astype(np.float64)
    assert 50 < len(points) <= 400
    assert (meta["w"], meta["h"]) == (2 * W, 2 * H)
    seen = np.zeros(len(points), bool)
    for i, frame in enumerate(meta["frames"]):
        T = np.array(frame["transform_matrix"])
        x, y, z = ((points - T[:3, 3]) @ T[:3, :3]).T
        # An OpenGL camera looks along -z, y up; nerfstudio's pixel (0, 0) has its centre at (0.5, 0.5).
        u, v = meta["cx"] + meta["fl_x"] * x / -z, meta["cy"] + meta["fl_y"] * y / z
        on = (np.abs(z + 2 + 1e-3 * i) < 1e-5) & (u > 0) & (v > 0) & (u < 2 * W) & (v < 2 * H)
        # Depth pixel centres are at odd corner-based coordinates of a picture twice as large.
        assert np.abs(u[on] % 2 - 1).max() < 1e-3
        assert np.abs(v[on] % 2 - 1).max() < 1e-3
        seen |= on
        depth = np.asarray(Image.open(tmp_path / "ns" / frame["depth_file_path"]))
        assert (depth == 2000 + i).all()
    assert seen.all()


def test_opengl_axes_of_the_identity():
    assert (opengl_pose(np.eye(4)) == np.diag([1, -1, -1, 1])).all()


def test_bad_frames_are_named_and_the_rest_is_written(folder, tmp_path):
    (folder / "frame-000001.depth.png").write_bytes(b"\x89PNG broken")
    (folder / "frame-000002.color.png").unlink()
    (folder / "frame-000003.pose.txt").unlink()
    result = export_nerfstudio(open_scan(folder), tmp_path / "ns")
    assert result.frames == 2
    assert list(result.left_out) == ["frame-000001", "frame-000002", "frame-000003"]
    assert "cannot be opened" in result.left_out["frame-000001"]
    assert result.left_out["frame-000003"] == "no pose"
    assert open_rgbd(tmp_path / "ns").names == ["frame-000000", "frame-000004"]
    assert json.loads((tmp_path / "ns/export.json").read_text())["left_out"] == result.left_out


def test_an_interrupted_export_goes_on_and_a_changed_source_starts_again(folder, tmp_path):
    out = tmp_path / "ns"
    export_nerfstudio(open_scan(folder), out)
    whole = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    (out / "transforms.json").unlink()
    (out / "depth/frame-000003.png").unlink()
    kept = out / "images/frame-000001.png"
    stamp = kept.stat().st_mtime_ns
    export_nerfstudio(open_scan(folder), out)
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == whole
    assert kept.stat().st_mtime_ns == stamp
    Image.fromarray(np.zeros((2 * H, 2 * W, 3), np.uint8)).save(folder / "frame-000001.color.png")
    export_nerfstudio(open_scan(folder), out)
    assert not np.asarray(Image.open(kept)).any()


def test_a_scan_output_folder_gives_its_own_poses_and_reasons(folder, tmp_path):
    out, T = tmp_path / "scan", poses()[[0, 2, 3, 4]]
    out.mkdir()
    write_trajectory(out / "poses.txt", Trajectory(np.array([0.0, 2, 3, 4]), T))
    report = {"source": str(folder), "unused_frames": [{"name": "frame-000001", "state": "lost", "reason": "too dark"}]}
    (out / "report.json").write_text(json.dumps(report))
    result = export_nerfstudio(open_scan(out), tmp_path / "ns")
    assert result.left_out == {"frame-000001": "too dark"}
    back = open_rgbd(tmp_path / "ns").T_world_camera
    assert np.abs(np.stack(back) - T).max() < 1e-9
    moved = folder.rename(tmp_path / "moved")
    with pytest.raises(FormatError, match="--frames"):
        open_scan(out)
    assert len(open_scan(out, moved).dataset) == N
    shutil.rmtree(tmp_path / "ns")
    write_trajectory(out / "poses.txt", Trajectory(np.array([0.0, 2.5]), T[:2]))
    with pytest.raises(FormatError, match="another folder"):
        open_scan(out, moved)


def test_refusals(folder, tmp_path):
    with pytest.raises(FormatError, match="input itself"):
        export_nerfstudio(open_scan(folder), folder)
    other = tmp_path / "other"
    (other / "images").mkdir(parents=True)
    (other / "images/mine.png").write_bytes(b"precious")
    with pytest.raises(FormatError, match="another data set"):
        export_nerfstudio(open_scan(folder), other)
    assert (other / "images/mine.png").read_bytes() == b"precious"
    for pose in folder.glob("*.pose.txt"):
        pose.unlink()
    with pytest.raises(FormatError, match="geo3d scan"):
        export_nerfstudio(open_scan(folder), tmp_path / "ns")
    with pytest.raises(FormatError, match="is a file"):
        open_scan(folder / "intrinsics.txt")
