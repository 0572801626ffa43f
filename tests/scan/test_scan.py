"""The pipeline on the bundled frames: right poses, bad frames said, going on after an interruption."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from geo3d.commands.scan import scan as verb
from geo3d.errors import FormatError, RegistrationError
from geo3d.io import open_rgbd, read_trajectory
from geo3d.scan import track
from geo3d.scan.options import ScanOptions
from geo3d.scan.output import trajectory_error
from geo3d.scan.pipeline import STATE_FILE, scan
from geo3d.scan.walk import Walk, fingerprint


@pytest.fixture(scope="module")
def few(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven neighbouring frames of the bundled sequence."""
    folder = tmp_path_factory.mktemp("few")
    names = sorted({p.name.split(".")[0] for p in (samples / "box_desk").glob("frame-*.depth.png")})[:7]
    for path in (samples / "box_desk").iterdir():
        if path.name.split(".")[0] in names or not path.name.startswith("frame-"):
            shutil.copy(path, folder)
    return folder


def test_poses_surface_and_report(few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geo3d.scan.output.PRODUCT_GROUP", "geo3d.no_such_products")
    verb(few, tmp_path / "out")
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["posed"] == report["frames"] == 7
    assert report["ate_rmse_m"] < 0.01
    assert report["points"] > 5000
    assert report["faces"] > 5000
    assert len(read_trajectory(tmp_path / "out" / "poses.txt")) == 7
    assert (tmp_path / "out" / "cloud.ply").stat().st_size > 100_000
    assert not [p for p in (tmp_path / "out").iterdir() if p.name.startswith(".tmp-")]


def test_bad_frames_are_named_and_the_rest_is_scanned(few: Path, tmp_path: Path) -> None:
    from PIL import Image

    folder = tmp_path / "frames"
    shutil.copytree(few, folder)
    depths = sorted(folder.glob("*.depth.png"))
    Image.fromarray(np.zeros((480, 640), np.uint16)).save(depths[1])
    Image.fromarray(np.full((100, 90), 700, np.uint16)).save(depths[3])
    depths[5].write_bytes(depths[5].read_bytes()[:2000])
    result = scan(folder, tmp_path / "out")
    states = [f.state for f in result.frames]
    assert [k for k, s in enumerate(states) if s == "skipped"] == [1, 3, 5]
    assert all(result.frames[k].reason for k in (1, 3, 5))
    assert states.count("posed") == 4


def test_given_poses_are_taken_and_missing_ones_said(few: Path, tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    shutil.copytree(few, folder)
    sorted(folder.glob("*.pose.txt"))[2].write_text("nan " * 16)
    result = scan(folder, tmp_path / "out", ScanOptions(poses="given"))
    assert len(result.posed) == 6
    assert result.frames[2].state != "posed"
    assert result.frames[2].reason
    assert trajectory_error(open_rgbd(folder), result) == pytest.approx(0, abs=1e-9)


def test_an_interrupted_scan_goes_on_to_the_same_poses(
    few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = scan(few, tmp_path / "whole")
    original = track.Odometry.track

    def stop_at_four(self: track.Odometry, index: int, maps: object) -> object:
        if index == 4:
            raise KeyboardInterrupt
        return original(self, index, maps)  # type: ignore[arg-type]

    monkeypatch.setattr(track.Odometry, "track", stop_at_four)
    with pytest.raises(KeyboardInterrupt):
        scan(few, tmp_path / "part")
    monkeypatch.undo()
    resumed = scan(few, tmp_path / "part")
    assert "4 frames are tracked" in capsys.readouterr().err
    assert np.allclose(resumed.trajectory.T_world_camera, whole.trajectory.T_world_camera, atol=1e-12)
    scan(few, tmp_path / "part")
    assert "poses are finished" in capsys.readouterr().err


def test_a_damaged_or_foreign_state_is_not_used(few: Path, tmp_path: Path) -> None:
    dataset = open_rgbd(few)
    mark = fingerprint(dataset, ScanOptions())
    path = tmp_path / STATE_FILE
    Walk(mark, done=3, problems={1: "bad"}).save(path)
    loaded = Walk.load(path, mark)
    assert loaded is not None
    assert (loaded.done, loaded.problems, loaded.optimized) == (3, {1: "bad"}, None)
    assert Walk.load(path, "other") is None
    for size in (0, 10, 200):
        path.write_bytes(path.read_bytes()[:size])
        assert Walk.load(path, mark) is None


def test_nothing_to_scan_is_an_error(few: Path, tmp_path: Path) -> None:
    from PIL import Image

    folder = tmp_path / "frames"
    shutil.copytree(few, folder)
    for depth in folder.glob("*.depth.png"):
        Image.fromarray(np.zeros((480, 640), np.uint16)).save(depth)
    with pytest.raises(RegistrationError, match="none of the 7 frames"):
        scan(folder, tmp_path / "out")
    with pytest.raises(FormatError):
        scan(tmp_path / "nowhere", tmp_path / "out")
