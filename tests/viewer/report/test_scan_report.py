"""The page of a scan."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from geo3d_viewer.report.scan_report import write
from PIL import Image

from geo3d.scan.result import FrameStatus, ScanResult
from geo3d.types import PinholeCamera, PointCloud, Trajectory, TriangleMesh

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def scan(folder: Path) -> ScanResult:
    folder.mkdir()
    (folder / "intrinsics.txt").write_text("60 0 31.5\n0 60 23.5\n0 0 1\n")
    poses = np.tile(np.eye(4), (4, 1, 1))
    poses[:, 0, 3] = 0.1 * np.arange(4)
    for i in range(4):
        stem = folder / f"frame-{i:06d}"
        Image.fromarray(np.full((48, 64), 2000, np.uint16)).save(f"{stem}.depth.png")
        Image.fromarray(np.full((48, 64, 3), [200, 30, 30], np.uint8)).save(f"{stem}.color.png")
        np.savetxt(f"{stem}.pose.txt", poses[i])
    corners = np.array([[-1, -1, 2], [1, -1, 2], [1, 1, 2], [-1, 1, 2.0]])
    mesh = TriangleMesh(corners, np.array([[0, 2, 1], [0, 3, 2]]), np.full((4, 3), [200, 30, 30], np.uint8))
    states = ("posed", "posed", "posed", "lost")
    frames = tuple(
        FrameStatus(f"frame-{i:06d}", s, "" if s == "posed" else "no <overlap>") for i, s in enumerate(states)
    )
    return ScanResult(
        folder, frames, np.arange(3), Trajectory(np.arange(3.0), poses[:3]), PinholeCamera(64, 48, 60, 60, 31.5, 23.5),
        1000.0, PointCloud(corners), mesh, seconds={"poses": 1.5},
    )  # fmt: skip


def test_it_tells_the_numbers_and_the_reasons(tmp_path: Path) -> None:
    result = scan(tmp_path / "wall")
    info = write(result, tmp_path)
    text = (tmp_path / "report.html").read_text()
    assert info == {"report": "report.html", "bytes": len(text.encode())}
    assert "3 of 4 with a pose" in text
    assert "0.20 m" in text
    assert "0.00 cm RMSE" in text
    assert "no &lt;overlap&gt;" in text
    # Two views of the surface and three frames.
    assert text.count("data:image/jpeg") == 5
    assert text.count("<svg") == 2


def test_without_the_folder_or_a_surface_it_still_tells_what_it_can(tmp_path: Path) -> None:
    result = scan(tmp_path / "wall")
    shutil.rmtree(tmp_path / "wall")
    empty = TriangleMesh(np.zeros((0, 3)), np.zeros((0, 3), np.int32))
    write(replace(result, mesh=empty, cloud=PointCloud(np.zeros((0, 3)))), tmp_path)
    text = (tmp_path / "report.html").read_text()
    assert "Surface" not in text
    assert "Camera" in text


@pytest.mark.skipif(CHROMIUM is None, reason="needs a browser: apt-get install chromium")
def test_a_browser_shows_it_from_disk(tmp_path: Path) -> None:
    write(scan(tmp_path / "wall"), tmp_path)
    flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    flags += " --disable-component-update --disable-sync --window-size=900,1400"
    command = [
        CHROMIUM,
        *flags.split(),
        f"--user-data-dir={tmp_path / 'profile'}",
        f"--screenshot={tmp_path / 's.png'}",
    ]
    subprocess.run(
        [*map(str, command), (tmp_path / "report.html").as_uri()], check=True, capture_output=True, timeout=120
    )
    with Image.open(tmp_path / "s.png") as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    assert (np.abs(pixels - [200, 30, 30]).max(axis=2) < 60).sum() > 5000
