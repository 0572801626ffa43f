"""The page in a real browser: it loads, the canvas shows the scene, a click hides a layer, the token is asked for."""

from __future__ import annotations

import base64
import io
import itertools
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from geo3d_viewer.camera import ViewCamera
from geo3d_viewer.scene import LineLayer, MeshLayer, PointLayer, Scene
from geo3d_viewer.texture import Texture
from geo3d_viewer.web.serve import serve
from geo3d_viewer.web.split import PANEL_WIDTH, split_page
from PIL import Image

from geo3d.errors import Geo3DError, MissingDependencyError
from geo3d.types import PointCloud, TriangleMesh

viser = pytest.importorskip("viser", reason="the page needs geo3d-suite[web]")
# viser leaves its event loop to the garbage collector when it is stopped.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
RED, BLUE = [230, 20, 20], [20, 20, 230]
# Where the check box is that stands in the same row as a label.
CHECK_BOX = """name => {
  let row = [...document.querySelectorAll('label')].find(label => label.textContent.trim() === name);
  while (!row.querySelector('input[type=checkbox]')) row = row.parentElement;
  const box = row.querySelector('input[type=checkbox]').getBoundingClientRect();
  return [box.x + box.width / 2, box.y + box.height / 2];
}"""
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def scene() -> Scene:
    rng = np.random.default_rng(0)
    layers = []
    for name, color, x in (("a/red", RED, -1.0), ("b/blue", BLUE, 1.0)):
        p = rng.uniform(-0.9, 0.9, (4000, 3)) * [1, 1, 0.2] + [x + 500_000, 4_000_000, 0]
        layers.append(PointLayer(name, PointCloud(p, np.full((len(p), 3), color, np.uint8))))
    edge = np.array([[[500_000, 4_000_000, 0], [500_000, 4_000_000, 1.0]]])
    return Scene((*layers, LineLayer("edge", edge, np.zeros((1, 3), np.uint8))), up=np.array([0, 0, 1.0]))


class Browser:
    """Headless Chromium over its debugging protocol."""

    def __init__(self, folder: Path) -> None:
        from websockets.sync.client import connect

        assert CHROMIUM is not None
        flags = (
            "--headless --no-sandbox --disable-quic --no-first-run --disable-background-networking "
            "--disable-component-update --disable-sync --use-angle=swiftshader --enable-unsafe-swiftshader "
            "--remote-debugging-port=0 --window-size=640,480"
        )
        self.process = subprocess.Popen(
            [CHROMIUM, *flags.split(), f"--user-data-dir={folder}", "about:blank"], stderr=subprocess.DEVNULL
        )
        port_file = folder / "DevToolsActivePort"
        until(lambda: port_file.exists() and len(port_file.read_text().split()) == 2)
        port = port_file.read_text().split()[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json") as answer:
            pages = [t for t in json.load(answer) if t["type"] == "page"]
        self._socket = connect(pages[0]["webSocketDebuggerUrl"], max_size=None)
        self._ids = itertools.count(1)

    def call(self, method: str, **parameters: Any) -> Any:
        number = next(self._ids)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(timeout=120))
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]

    def value(self, expression: str) -> Any:
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def pixels(self) -> np.ndarray:
        data = base64.b64decode(self.call("Page.captureScreenshot")["data"])
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)

    def count(self, color: list[int]) -> int:
        return int((np.abs(self.pixels() - color).max(axis=2) < 40).sum())

    def click(self, x: float, y: float, modifiers: int = 0) -> None:
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1, modifiers=modifiers)

    def drag(self, x: float, y: float, dx: float) -> None:
        self.call("Input.dispatchMouseEvent", type="mousePressed", x=x, y=y, button="left", clickCount=1)
        for step in range(1, 9):
            self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x + dx * step / 8, y=y, button="left", buttons=1)
        self.call("Input.dispatchMouseEvent", type="mouseReleased", x=x + dx, y=y, button="left", clickCount=1)

    def key(self, letter: str) -> None:
        for kind in ("keyDown", "keyUp"):
            code = {"key": letter, "code": f"Key{letter.upper()}", "windowsVirtualKeyCode": ord(letter.upper())}
            self.call("Input.dispatchKeyEvent", type=kind, text=letter if kind == "keyDown" else "", **code)

    def where(self, color: list[int]) -> np.ndarray:
        """[N, 2] rows and columns of pixels of about this colour."""
        return np.argwhere(np.abs(self.pixels() - color).max(axis=2) < 40)

    def close(self) -> None:
        self._socket.close()
        self.process.terminate()
        self.process.wait()

    def resize(self, width: int, height: int) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)


def until(holds: Any, seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "the page did not change as it should have"
        time.sleep(0.3)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    opened = Browser(tmp_path / "profile")
    yield opened
    opened.close()


@pytest.mark.skipif(CHROMIUM is None, reason="a page test needs a browser: apt-get install chromium")
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_page_loads_shows_the_scene_and_a_click_hides_a_layer(browser: Browser, host: str) -> None:
    served = serve(scene(), host=host, port=0)
    try:
        # Through the gate, the web socket too has to bring the cookie that the first request was given.
        url = served.url if served.gate is None else f"http://127.0.0.1:{served.gate.port}/?{served.url.split('?')[1]}"
        browser.call("Page.navigate", url=url)
        until(lambda: browser.value("document.querySelectorAll('canvas').length") >= 1)
        until(lambda: browser.count(RED) > 800 and browser.count(BLUE) > 800)
        place = browser.value(f"({CHECK_BOX})('a/red')")
        browser.click(*place)
        until(lambda: browser.count(RED) < 30)
        assert browser.count(BLUE) > 800
        assert not served.page.state.scene["a/red"].visible
        assert "token" not in browser.value("location.href")
    finally:
        served.close()


@pytest.mark.skipif(CHROMIUM is None, reason="a page test needs a browser: apt-get install chromium")
def test_a_texture_is_on_the_page(browser: Browser) -> None:
    v = np.array([[-1, 0, -1], [1, 0, -1], [1, 0, 1], [-1, 0, 1.0]])
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    uv = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)[faces]
    # The upper half red, the lower blue.
    image = np.array([[RED], [BLUE]], np.uint8).repeat(32, axis=0).repeat(64, axis=1)
    layer = MeshLayer("quad", TriangleMesh(v, faces), texture=Texture(uv, image))
    served = serve(layer, port=0, camera=ViewCamera((0, -4, 0), (0, 0, 0), (0, 0, 1)))
    try:
        browser.resize(1000, 600)
        browser.call("Page.navigate", url=served.url)
        until(lambda: browser.value("document.querySelectorAll('canvas').length") >= 1)

        def rows(channel: int) -> np.ndarray:
            # Left of the controls; neither the orange of the browser's notes nor the blue of buttons.
            p = browser.pixels()[:, : 1000 - PANEL_WIDTH]
            strong = (p[..., channel] > 100) & (p[..., 1] < 70) & (p[..., 2 - channel] < 70)
            return np.argwhere(strong)[:, 0]

        until(lambda: len(rows(0)) > 800 and len(rows(2)) > 800)
        assert np.median(rows(0)) < np.median(rows(2)) - 20
    finally:
        served.close()


@pytest.mark.skipif(CHROMIUM is None, reason="a page test needs a browser: apt-get install chromium")
@pytest.mark.slow  # a software-rendered page with three views takes minutes on a busy machine
def test_linked_views_turn_together_and_share_their_controls(browser: Browser) -> None:
    rng = np.random.default_rng(0)
    layers = []
    for name, color in (("a", RED), ("b", BLUE)):
        p = rng.uniform(-0.9, 0.9, (6000, 3)) * [1.0, 0.1, 0.6]
        layers.append(PointLayer(name, PointCloud(p, np.full((len(p), 3), color, np.uint8))))
    both = Scene(tuple(layers), up=np.array([0, 0, 1.0]))
    camera = ViewCamera((0, -5, 0), (0, 0, 0), (0, 0, 1))
    served = serve(both, port=0, camera=camera, views=(("first <b>", ("a",)), ("second", ("b",))))
    try:
        browser.resize(1000, 480)
        browser.call("Page.navigate", url=served.url)
        until(lambda: browser.value("document.querySelectorAll('iframe').length") == 2)
        until(lambda: len(browser.where(RED)) > 500 and len(browser.where(BLUE)) > 500)
        assert "first <b>" in browser.value("document.querySelector('figcaption').textContent")
        reds, blues = browser.where(RED), browser.where(BLUE)
        # Views of one size, the controls beside the last.
        share = 1000 / (2 * 760 + PANEL_WIDTH)
        edge = 760 * share
        assert reds[:, 1].max() < edge <= blues[:, 1].min()
        wide = np.ptp(blues[:, 1])
        assert abs(wide - np.ptp(reds[:, 1])) <= 4
        # The angle of view is the camera's, not the browser's own: the plate's front is 4.9 m away.
        height = browser.value("document.querySelector('iframe').parentElement.clientHeight")
        assert wide == pytest.approx(1.8 / 4.9 * height / 2 / np.tan(np.radians(20)), rel=0.08)
        # Turning the left view narrows the plate in the right one as well.
        row, column = reds.mean(axis=0)
        browser.drag(column, row, 70)
        until(lambda: np.ptp(browser.where(BLUE)[:, 1]) < 0.8 * wide and np.ptp(browser.where(RED)[:, 1]) < 0.8 * wide)
        # Both views are gone back to the start, then cut in half, by the controls of one page.
        served.page._reset()
        until(lambda: np.ptp(browser.where(BLUE)[:, 1]) > 0.95 * wide)
        served.page.clips[0].value = (0.0, 0.5)
        served.page._clip()
        until(lambda: np.ptp(browser.where(BLUE)[:, 1]) < 0.6 * wide and np.ptp(browser.where(RED)[:, 1]) < 0.6 * wide)
    finally:
        served.close()


@pytest.mark.skipif(CHROMIUM is None, reason="a page test needs a browser: apt-get install chromium")
@pytest.mark.parametrize(("count", "columns"), [(2, 2), (3, 3), (4, 2)])
def test_views_stand_side_by_side_at_one_size(browser: Browser, tmp_path: Path, count: int, columns: int) -> None:
    (tmp_path / "page.html").write_bytes(split_page([(str(k), ()) for k in range(count)], "several"))
    browser.resize(1200, 500)
    browser.call("Page.navigate", url=(tmp_path / "page.html").as_uri())
    boxes = "[...document.querySelectorAll('iframe')].map(f => Object.values(f.getBoundingClientRect().toJSON()))"
    until(lambda: len(browser.value(boxes) or []) == count)
    found = np.array(browser.value(boxes))  # x, y, width, height
    panel = PANEL_WIDTH * 1200 / (columns * 760 + PANEL_WIDTH)
    for k, (x, y, width, height) in enumerate(found[:, :4]):
        assert x == pytest.approx(k % columns * (1200 - panel) / columns, abs=8)
        assert (y > 250) == (k >= columns)
        assert width - (panel if k % columns == columns - 1 else 0) == pytest.approx((1200 - panel) / columns, abs=8)
        assert 150 < height < 500


@pytest.mark.skipif(CHROMIUM is None, reason="a page test needs a browser: apt-get install chromium")
@pytest.mark.slow
def test_two_picks_measure_and_keys_act(browser: Browser) -> None:
    plate = np.array([[-1, 0, -0.2], [1, 0, -0.2], [1, 0, 0.2], [-1, 0, 0.2]])
    colors = np.full((4, 3), RED, np.uint8)
    mesh = TriangleMesh(plate, np.array([[0, 1, 2], [0, 2, 3]]), colors)
    # Four points alone would be drawn as wide as they are apart.
    corners = PointLayer("b", PointCloud(plate, colors), point_size=0.02)
    bare = Scene((MeshLayer("plate", mesh), corners), up=np.array([0, 0, 1.0]))
    served = serve(bare, port=0, camera=ViewCamera((0, -5, 0), (0, 0, 0), (0, 0, 1)))

    def reddish() -> np.ndarray:
        # Shaded; not the orange of the browser's notes.
        p = browser.pixels()
        return np.argwhere((p[..., 0] > 100) & (p[..., 1:] < 70).all(axis=2))

    try:
        # Large enough that neither the controls nor the browser's notes lie over the plate.
        browser.resize(1000, 600)
        browser.call("Page.navigate", url=served.url)
        until(lambda: browser.value("document.querySelectorAll('canvas').length") >= 1)
        until(lambda: len(reddish()) > 15_000)
        time.sleep(1)
        found = reddish()
        row = float(np.median(found[:, 0]))
        left, right = (float(v) for v in np.percentile(found[:, 1], [5, 95]))
        ctrl = 2
        browser.click(left, row, ctrl)
        until(lambda: len(served.page._picked) == 1)
        browser.click(right, row, ctrl)
        until(lambda: len(served.page._picked) == 2)
        between = np.linalg.norm(np.subtract(*served.page._picked))
        assert between == pytest.approx(2 * (right - left) / np.ptp(found[:, 1]), abs=0.05)
        assert f"{between:.4g} m" in served.page.message.content
        browser.key("b")
        until(lambda: not served.page.state.scene["b"].visible)
        browser.key("b")
        until(lambda: served.page.state.scene["b"].visible and len(reddish()) < 1500)
    finally:
        served.close()


def test_another_interface_needs_the_token() -> None:
    served = serve(scene(), host="0.0.0.0", port=0)
    try:
        assert served.gate is not None
        token = served.url.split("token=")[1]
        address = f"http://127.0.0.1:{served.gate.port}/"
        with pytest.raises(urllib.error.HTTPError, match="403") as refused:
            urllib.request.urlopen(address, timeout=10)
        refused.value.close()
        cookie = urllib.request.Request(address, headers={"Cookie": f"geo3d_view={token}"})
        with urllib.request.urlopen(cookie, timeout=10) as page:
            assert page.status == 200
            assert b"<html" in page.read()
        # What is behind the gate cannot be reached from outside directly.
        inner = served.page.servers[0].get_host()
        assert inner == "127.0.0.1"
    finally:
        served.close()


def test_colours_and_sizes_follow_the_controls() -> None:
    served = serve(scene(), port=0)
    try:
        page = served.page
        small = page.nodes["a/red"].point_size
        page._resize(2.0)
        assert page.nodes["a/red"].point_size == pytest.approx(2 * small, rel=1e-3)
        page._recolor("height")
        assert "height (m)" in page.legend.content
        # UTM-sized coordinates reach the browser relative to the scene's centre.
        assert np.abs(page.nodes["a/red"].points).max() < 3
    finally:
        served.close()


def test_a_taken_port_and_a_bad_host_are_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(Geo3DError, match="give another --port"):
            serve(scene(), port=taken.getsockname()[1])
    with pytest.raises(Geo3DError, match="cannot listen"):
        serve(scene(), host="no.such.host.invalid", port=0)
    with pytest.raises(Geo3DError, match="65535"):
        serve(scene(), port=70000)


def test_without_viser_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "viser", None)
    with pytest.raises(MissingDependencyError, match=r"geo3d-suite\[web\]"):
        serve(scene(), port=0)
