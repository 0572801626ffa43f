"""Pictures and films as plates in linked views."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from geo3d_viewer.desktop.state import WindowState
from geo3d_viewer.flat_scene import films_shown, front_camera, pictures_shown
from geo3d_viewer.images import psnr
from geo3d_viewer.linked import linked_picture
from PIL import Image


def test_pictures_their_error_and_what_the_titles_say(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    a = rng.integers(60, 190, (60, 90, 3)).astype(np.uint8)
    b = a.copy()
    b[:30, :45] += 30  # the upper left quarter is off
    for name, image in (("a.png", a), ("b.png", b)):
        Image.fromarray(image).save(tmp_path / name)
    shown = pictures_shown([tmp_path / "a.png", tmp_path / "b.png"])
    titles = [title for title, _ in shown.views]
    rate = 8 * (tmp_path / "b.png").stat().st_size / 5400
    assert titles[0] == "a.png, 90x60"
    assert titles[1] == f"b.png, {rate:.3f} bpp, {psnr(a, b):.2f} dB"
    assert titles[2] == "error of b.png, dark 0 to bright 30"
    size = (180, 120)
    picture, _ = linked_picture(shown, size, front_camera(shown, size))
    # Three panels under their titles, each plate filling nearly all of its panel, the right way up.
    panels = picture[-120:].astype(int)
    left, error = panels[10:-10, 10:170], panels[10:-10, -170:-10]
    assert np.abs(left.mean(axis=(0, 1)) - a.mean(axis=(0, 1))).max() < 12
    bright = error[..., 0] > 150
    assert bright[:40, :60].mean() > 0.8
    assert bright[60:].mean() < 0.05
    assert bright[:40, 90:].mean() < 0.05


def test_films_have_their_frames_in_step(tmp_path: Path) -> None:
    for name, shift in (("a", 0), ("b", 8)):
        (tmp_path / name).mkdir()
        for k in range(5):
            Image.new("RGB", (32, 24), (40 * k + shift, 90, 20)).save(tmp_path / name / f"{k}.png")
    shown = films_shown([tmp_path / "a", tmp_path / "b"])
    assert len(shown.views) == 3
    state = WindowState(shown.scene)
    assert len(state.frames) == 5
    assert [la.name.partition("/frames/")[2] for la in shown.scene.visible_layers] == ["002"] * 3
    third = state.at_frame(4)
    assert [la.name.partition("/frames/")[2] for la in third.scene.visible_layers] == ["003"] * 3
    assert len(state.at_frame(0).scene.visible_layers) == 15
    assert "dB" in shown.views[1][0]
    same = films_shown([tmp_path / "a", tmp_path / "a"])
    assert "inf dB" in same.views[1][0]


def test_a_single_picture_has_one_view(tmp_path: Path) -> None:
    Image.new("RGB", (20, 10)).save(tmp_path / "a.png")
    shown = pictures_shown([tmp_path / "a.png"])
    assert len(shown.views) == 1
    camera = front_camera(shown, (400, 100))
    assert camera.target == pytest.approx((1.0, 0.5, 0.0))
