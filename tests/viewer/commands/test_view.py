"""`geo3d view --snapshot` as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from geo3d_viewer.commands.view import colored, parse_size, view
from geo3d_viewer.scene import as_scene
from PIL import Image

from geo3d.errors import Geo3DError, ShapeError


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    command = [sys.executable, "-m", "geo3d.cli", "view", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=120)


def test_a_snapshot_without_display_and_again_from_its_camera(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(5000, 3)))
    first = run(tmp_path / "x.npy", "--snapshot", tmp_path / "a.png", "--size", "320x200", "--json")
    assert first.returncode == 0, first.stderr
    answer = json.loads(first.stdout)
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == (320, 200)
    again = run(tmp_path / "x.npy", "--snapshot", tmp_path / "b.png", "--size", "320x200", "--camera", answer["camera"])
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_failures_are_one_line(tmp_path: Path) -> None:
    result = run(tmp_path / "missing.ply", "--snapshot", tmp_path / "a.png")
    assert result.returncode == 1
    assert "missing.ply" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "a.png").exists()


def test_sizes_and_colours_are_checked(tmp_path: Path) -> None:
    assert parse_size("640X480") == (640, 480)
    for text in ("640", "640x", "x480", "-1x5", "640x480x3"):
        with pytest.raises(ShapeError, match="WIDTHxHEIGHT"):
            parse_size(text)
    np.save(tmp_path / "x.npy", np.eye(3))
    with pytest.raises(Geo3DError, match="cannot colour by 'heat'"):
        view((str(tmp_path / "x.npy"),), snapshot=tmp_path / "a.png", color_by="heat")


def test_color_by_reaches_every_layer() -> None:
    scene = colored(as_scene([np.eye(3), np.eye(3)]), "#00ff00")
    assert [la.color_by for la in scene.layers if hasattr(la, "color_by")] == ["#00ff00"] * 2


def test_compared_clouds_are_measured_and_drawn(tmp_path: Path) -> None:
    p = np.random.default_rng(0).uniform(-1, 1, (3000, 3)).round(2)
    np.save(tmp_path / "a.npy", p)
    np.save(tmp_path / "b.npy", p + [0, 0, 5])
    result = run(tmp_path / "a.npy", tmp_path / "b.npy", "--compare", "--snapshot", tmp_path / "s.png", "--json")
    assert result.returncode == 0, result.stderr
    (row,) = json.loads(result.stdout)["distances_m"]
    assert 3 < row["mean"] < 5
    assert (tmp_path / "s.png").stat().st_size > 5000
    alone = run(tmp_path / "a.npy", "--compare")
    assert alone.returncode == 1
    assert "--compare takes a reference" in alone.stderr


def test_split_gives_each_path_a_view(tmp_path: Path) -> None:
    for name in ("a", "b"):
        np.save(tmp_path / f"{name}.npy", np.random.default_rng(0).normal(size=(2000, 3)))
    paths = (str(tmp_path / "a.npy"), str(tmp_path / "b.npy"))
    view(paths, snapshot=tmp_path / "s.png", size="400x150", split=True)
    with Image.open(tmp_path / "s.png") as image:
        width, height = image.size
    assert 400 <= width < 420
    assert 150 < height < 200
    with pytest.raises(Geo3DError, match="--split is for windows"):
        view(paths, split=True, turntable=tmp_path / "t.mp4")


def test_a_look_at_a_cloud_waits_for_no_codec(tmp_path: Path) -> None:
    # Importing all of them takes seconds, as long as the whole picture may take.
    np.save(tmp_path / "a.npy", np.random.default_rng(0).normal(size=(100, 3)))
    script = (
        "import sys; from geo3d_viewer.commands.view import view; "
        "view((sys.argv[1],), snapshot=__import__('pathlib').Path(sys.argv[2]), size='64x48'); "
        "print([m for m in sys.modules if m.startswith(('geo3d_compression.volume', 'geo3d_compression.image', "
        "'geo3d_compression.octree', 'torch', 'open3d'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "a.npy", tmp_path / "a.png"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]"
