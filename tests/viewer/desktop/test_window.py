"""A real window on a virtual screen: it opens, keys and clicks change what is on the screen, it closes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from geo3d_viewer.bench.screen import VirtualScreen
from PIL import Image

from geo3d.io import write_points
from geo3d.types import PointCloud

pytestmark = pytest.mark.skipif(
    not (shutil.which("Xvfb") and shutil.which("xdotool")),
    reason="a window test needs a virtual screen: apt-get install xvfb xdotool",
)

RED, BLUE = [230, 20, 20], [20, 20, 230]


class Screen(VirtualScreen):
    """One that says what is on it, and waits."""

    def count(self, color: list[int]) -> int:
        return int((np.abs(self.pixels() - color).max(axis=2) < 40).sum())

    def until(self, holds: object, seconds: float = 240) -> None:
        assert callable(holds)
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                Image.fromarray(self.pixels().astype(np.uint8)).save(self.folder.parent / "failed.png")
                pytest.fail("the screen did not change as it should have (see failed.png)")
            time.sleep(0.2)


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    folder = tmp_path / "screen"
    folder.mkdir()
    opened = Screen(folder)
    yield opened
    opened.close()


def environment(screen: Screen, folder: Path) -> dict[str, str]:
    env = os.environ | {"DISPLAY": screen.display, "XDG_STATE_HOME": str(folder / "state")}
    env.pop("WAYLAND_DISPLAY", None)
    root = str(Path(__file__).resolve().parents[3])
    env["PYTHONPATH"] = os.pathsep.join([root, *(f"{root}/{d}" for d in ("compression", "recon", "viewer"))])
    return env


PROGRESSIVE = """
import numpy as np, sys, time
from geo3d.types import PointCloud
from geo3d_viewer import show
def cloud(n, color):
    p = np.random.default_rng(0).uniform(-1, 1, (n, 3))
    return PointCloud(p, np.full((n, 3), color, np.uint8))
def later():
    time.sleep(6)
    return [as_scene(cloud(20_000, [20, 20, 230]))]
from geo3d_viewer import as_scene
import geo3d_viewer.desktop.show as module
module.LARGE_CLOUD = 10_000  # the details come as an octree's cubes
show(cloud(4000, [230, 20, 20]), (400, 300), later=later)
"""


def test_details_take_the_place_of_the_first_picture(tmp_path: Path, screen: Screen) -> None:
    log = tmp_path / "log"
    with log.open("w") as out:
        command = [sys.executable, "-c", PROGRESSIVE]
        window = subprocess.Popen(command, env=environment(screen, tmp_path), stderr=out, stdout=out)
    try:
        screen.until(lambda: screen.count(RED) > 1000 or screen.count(BLUE) > 1000)
        screen.until(lambda: screen.count(BLUE) > 3000 and screen.count(RED) < 50)
        assert window.poll() is None
    finally:
        window.kill()
        window.wait()
        sys.stderr.write(log.read_text())


def test_open_key_click_screenshot_close(tmp_path: Path, screen: Screen) -> None:
    rng = np.random.default_rng(0)
    for name, color, x in (("a", RED, -1.0), ("b", BLUE, 1.0)):
        p = rng.uniform(-0.9, 0.9, (20_000, 3)) * [1, 1, 0.2] + [x, 0, 0]
        write_points(tmp_path / f"{name}.ply", PointCloud(p, np.full((len(p), 3), color, np.uint8)))
    env = environment(screen, tmp_path)
    command = [sys.executable, "-m", "geo3d.cli", "view", str(tmp_path / "a.ply"), str(tmp_path / "b.ply")]
    log = tmp_path / "log"
    with log.open("w") as out:
        window = subprocess.Popen([*command, "--size", "640x480"], env=env, stderr=out, stdout=out, cwd=tmp_path)
    try:
        # Opened: both layers in their colours.
        screen.until(lambda: screen.count(RED) > 3000 and screen.count(BLUE) > 3000)
        assert window.poll() is None
        # A key hides the first layer, a click on its box (in the panel at the right) shows it again.
        screen.do("mousemove", "300", "300")
        time.sleep(1)
        screen.do("key", "1")
        screen.until(lambda: screen.count(RED) < 50 and screen.count(BLUE) > 3000)
        time.sleep(1)
        # The box of the second layer is the only wide run of light grey at the panel's left; the first is 28 higher.
        grey = np.abs(screen.pixels()[:, 452:490] - 128).max(axis=2) < 12
        row = int(np.flatnonzero(grey.sum(axis=1) > 14)[0])
        click_at = ("469", str(row + 10 - 28))
        screen.do("mousemove", *click_at)
        time.sleep(0.5)
        # The button is held for a frame or more; a shorter click goes by unseen.
        screen.do("mousedown", "1", "sleep", "0.5", "mouseup", "1")
        screen.until(lambda: screen.count(RED) > 3000)
        # Help comes and goes: a dark panel over the scene.
        dark = [26, 31, 38]
        before = screen.count(dark)
        screen.do("key", "question")
        screen.until(lambda: screen.count(dark) > before + 5000)
        screen.do("key", "question")
        screen.until(lambda: screen.count(dark) < before + 1000)
        # A screenshot is the rasteriser's picture of the same view.
        screen.do("key", "s")
        screen.until(lambda: (tmp_path / "geo3d-view-001.png").exists())
        screen.do("mousemove", "300", "300")
        time.sleep(0.5)
        screen.do("key", "q")
        assert window.wait(30) == 0
    finally:
        window.kill()
        window.wait()
        sys.stderr.write(log.read_text())
    with Image.open(tmp_path / "geo3d-view-001.png") as image:
        shot = np.asarray(image).astype(int)
    assert (np.abs(shot - RED).max(axis=2) < 60).sum() > 3000
    (view,) = json.loads((tmp_path / "state" / "geo3d" / "views.json").read_text()).values()
    assert "position" in json.loads(view)


def test_linked_views_turn_together(tmp_path: Path, screen: Screen) -> None:
    rng = np.random.default_rng(0)
    for name, color in (("a", RED), ("b", BLUE)):
        p = rng.uniform(-0.9, 0.9, (20_000, 3)) * [1, 1, 0.2]
        write_points(tmp_path / f"{name}.ply", PointCloud(p, np.full((len(p), 3), color, np.uint8)))
    env = environment(screen, tmp_path)
    command = [sys.executable, "-m", "geo3d.cli", "view", str(tmp_path / "a.ply"), str(tmp_path / "b.ply"), "--split"]
    log = tmp_path / "log"
    with log.open("w") as out:
        window = subprocess.Popen([*command, "--size", "760x480"], env=env, stderr=out, stdout=out, cwd=tmp_path)

    def where(color: list[int]) -> tuple[int, float]:
        found = np.argwhere(np.abs(screen.pixels() - color).max(axis=2) < 40)
        return len(found), float(found[:, 1].mean()) if len(found) else 0.0

    try:
        screen.until(lambda: where(RED)[0] > 2000 and where(BLUE)[0] > 2000)
        assert window.poll() is None
        # Each in its own half, at the same size.
        (reds, left), (blues, right) = where(RED), where(BLUE)
        assert right - left > 100
        assert 0.9 < reds / blues < 1.1
        # The wheel over the left view moves the right one as well.
        screen.do("mousemove", str(int(left)), "240")
        time.sleep(0.5)
        screen.do("click", "--repeat", "6", "--delay", "150", "4")
        screen.until(lambda: abs(where(RED)[0] / reds - 1) > 0.3 and 0.9 < where(RED)[0] / where(BLUE)[0] < 1.1)
        assert abs(where(BLUE)[0] / blues - 1) > 0.25
        screen.do("key", "s")
        screen.until(lambda: (tmp_path / "geo3d-view-001.png").exists())
    finally:
        window.kill()
        window.wait()
        sys.stderr.write(log.read_text())
