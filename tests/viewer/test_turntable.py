"""The film plays, turns, and keeps everything in view."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from geo3d_viewer.framing import auto_camera
from geo3d_viewer.scene import as_scene
from geo3d_viewer.turntable import _seeing_all_round, turntable

from geo3d.errors import FormatError, ShapeError
from geo3d.types import PointCloud

av = pytest.importorskip("av", reason="films need geo3d-suite[video]")


def bar() -> PointCloud:
    p = np.random.default_rng(0).uniform(-1, 1, (8000, 3)) * [2, 0.2, 0.5] + [7, 0, 3]
    colors = np.where(p[:, :1] > 7, np.uint8([[220, 30, 30]]), np.uint8([[30, 30, 220]])).astype(np.uint8)
    return PointCloud(p, colors)


def test_a_film_of_a_bar_turns_once(tmp_path: Path) -> None:
    frames = turntable(bar(), tmp_path / "bar.mp4", (160, 120), seconds=1, rate=8)
    assert frames == 8
    with av.open(str(tmp_path / "bar.mp4")) as film:
        images = [f.to_ndarray(format="rgb24").astype(int) for f in film.decode(video=0)]
    assert len(images) == 8
    assert images[0].shape == (120, 160, 3)
    reds = [np.argwhere((im[..., 0] - im[..., 2]) > 80)[:, 1].mean() for im in images]
    # Half a turn puts the red end on the other side.
    middle = 80
    signs = [np.sign(r - middle) for r in reds]
    assert all(a != b for a, b in zip(signs[:4], signs[4:], strict=True) if abs(a) and abs(b))
    assert np.ptp(reds) > 30


def test_every_side_is_in_view() -> None:
    scene = as_scene(bar())
    size = (320, 200)
    camera = _seeing_all_round(auto_camera(scene, size)[0], bar().points, size)
    for angle in np.linspace(0, 2 * np.pi, 12):
        turned = camera.orbited(angle)
        T = turned.T_world_camera
        p = (bar().points - T[:3, 3]) @ T[:3, :3]
        uv = np.abs(p[:, :2] / p[:, 2:] * turned.focal(size[1]))
        assert (p[:, 2] > 0).all()
        assert (uv[:, 0] < size[0] / 2).all()
        assert (uv[:, 1] < size[1] / 2).all()


def test_sizes_and_names_are_checked(tmp_path: Path) -> None:
    with pytest.raises(ShapeError, match="even numbers"):
        turntable(bar(), tmp_path / "a.mp4", (161, 120))
    with pytest.raises(FormatError, match=r"ends in \.mp4"):
        turntable(bar(), tmp_path / "a.gif")
    assert not any(tmp_path.iterdir())
