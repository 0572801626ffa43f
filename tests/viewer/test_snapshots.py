"""Snapshots: real files, the same pixels for the same arguments, kind errors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from geo3d_viewer import ViewCamera, picture, snapshot
from PIL import Image

from geo3d.errors import FormatError, ShapeError
from geo3d.types import PointCloud


def ball(n: int = 20_000) -> PointCloud:
    p = np.random.default_rng(0).normal(size=(n, 3))
    return PointCloud(p / np.linalg.norm(p, axis=1, keepdims=True))


def test_a_ball_fills_the_picture_as_a_disc(tmp_path: Path) -> None:
    shot = snapshot(ball(), tmp_path / "ball.png", (320, 240))
    image = np.asarray(Image.open(shot.path))
    assert image.shape == (240, 320, 3)
    # A disc that touches the 6 % margins above and below.
    assert shot.coverage == pytest.approx(np.pi / 4 * (0.88 * 240) ** 2 / (320 * 240), rel=0.08)


def test_same_arguments_same_pixels_in_another_process_without_display(tmp_path: Path) -> None:
    a = snapshot(ball(), tmp_path / "a.png", (200, 150))
    code = (
        "import numpy as np, sys; from geo3d.types import PointCloud; from geo3d_viewer import snapshot\n"
        "p = np.random.default_rng(0).normal(size=(20_000, 3))\n"
        "snapshot(PointCloud(p / np.linalg.norm(p, axis=1, keepdims=True)), sys.argv[1], (200, 150))\n"
        "assert 'open3d' not in sys.modules and 'torch' not in sys.modules\n"
    )
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS")
    env = {k: v for k, v in os.environ.items() if k not in hidden} | {"NUMBA_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "b.png")], check=True, env=env)
    assert (tmp_path / "b.png").read_bytes() == a.path.read_bytes()


def test_the_reported_camera_gives_the_picture_again() -> None:
    first, camera = picture(ball(), (160, 120))
    again, same = picture(ball(), (160, 120), ViewCamera.from_json(camera.to_json()))
    assert same == camera
    assert np.array_equal(first.color, again.color)


@pytest.mark.parametrize("name", ["x.jpg", "x.webp"])
def test_other_picture_formats(tmp_path: Path, name: str) -> None:
    snapshot(ball(500), tmp_path / name, (64, 48))
    with Image.open(tmp_path / name) as image:
        assert image.size == (64, 48)


def test_errors_name_what_is_allowed_and_leave_no_file(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"ends in \.png"):
        snapshot(ball(500), tmp_path / "x.bmp", (64, 48))
    with pytest.raises(FormatError, match="does not exist"):
        snapshot(ball(500), tmp_path / "nowhere" / "x.png", (64, 48))
    with pytest.raises(ShapeError, match="1x1 to 8192x8192"):
        snapshot(ball(500), tmp_path / "x.png", (0, 48))
    with pytest.raises(ShapeError, match="nothing to look at"):
        snapshot(np.zeros((0, 3)), tmp_path / "x.png")
    assert list(tmp_path.iterdir()) == []
