"""The page without a browser: cameras that follow each other, picks, where browsers begin."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace

import numpy as np
import pytest
from geo3d_viewer.camera import ViewCamera
from geo3d_viewer.scene import PointLayer, Scene
from geo3d_viewer.web.serve import serve

from geo3d.types import PointCloud, TriangleMesh

viser = pytest.importorskip("viser", reason="the page needs geo3d-suite[web]")
# viser leaves its event loop to the garbage collector when it is stopped.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")


class Guest:
    """What the page sees of a browser."""

    def __init__(self, client_id: int, position: tuple[float, float, float]) -> None:
        self.client_id = client_id
        self.camera = SimpleNamespace(
            position=np.array(position), look_at=np.zeros(3), up_direction=np.array([0, 0, 1.0]), fov=0.7,
            on_update=lambda _call: None,
        )  # fmt: skip

    def atomic(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def at(self) -> list[float]:
        return [round(float(v), 6) for v in self.camera.position]


def test_views_follow_the_one_that_is_moved_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = PointCloud(np.random.default_rng(0).uniform(-1, 1, (50, 3)))
    both = Scene((PointLayer("a", cloud), PointLayer("b", cloud)), up=np.array([0, 0, 1.0]))
    served = serve(both, port=0, camera=ViewCamera((0, -5, 0), (0, 0, 0)), views=(("a", ("a",)), ("b", ("b",))))
    try:
        page = served.page
        centre = page.box.mean(axis=0)
        guests = [Guest(7, (3, 3, 3)), Guest(7, (3, 3, 3))]
        for canvas, guest in zip(page.canvases, guests, strict=True):
            monkeypatch.setattr(canvas.server, "get_clients", lambda guest=guest: {7: guest})
            page._welcome(guest, canvas)
        home = np.subtract((0, -5, 0), centre)
        assert guests[0].at() == guests[1].at() == pytest.approx(home.tolist(), abs=1e-5)
        # A browser's own camera, reported before it has taken ours, moves nobody.
        guests[1].camera.position = np.array([3.0, 3, 3])
        page._follow(guests[1], page.canvases[1])
        assert guests[0].at() == pytest.approx(home.tolist(), abs=1e-5)
        # Both have arrived; then one is turned, and the other follows.
        page._arrived.clear()
        guests[0].camera.position = np.array([4.0, 0, 0])
        page._follow(guests[0], page.canvases[0])
        assert guests[1].at() == [4, 0, 0]
        # An echo that is late does not pull the leader back.
        guests[1].camera.position = np.array([3.5, 0, 0])
        page._follow(guests[1], page.canvases[1])
        assert guests[0].at() == [4, 0, 0]
        # Later, the other one may lead.
        page._led -= 5
        guests[1].camera.position = np.array([0.0, 4, 0])
        page._follow(guests[1], page.canvases[1])
        assert guests[0].at() == [0, 4, 0]
    finally:
        served.close()


def test_picks_in_the_page_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    plate = np.array([[-1, 0, -0.2], [1, 0, -0.2], [1, 0, 0.2], [-1, 0, 0.2]])
    mesh = TriangleMesh(plate, np.array([[0, 1, 2], [0, 2, 3]]))
    served = serve(mesh, port=0, camera=ViewCamera((0, -5, 0), (0, 0, 0)))
    try:
        page, guest = served.page, Guest(1, (0, -5, 0))
        guest.camera.image_width, guest.camera.image_height, guest.camera.fov = 400, 200, float(np.radians(40))
        # Pixels a metre: focal length over distance.
        metre = 100 / np.tan(np.radians(20)) / 5
        for x in (-0.9, 0.9):
            place = ((200 + x * metre) / 400, 0.5)
            page._pick(SimpleNamespace(client=guest, screen_pos=place), page.canvases[0])
        assert np.linalg.norm(np.subtract(*page._picked)) == pytest.approx(1.8, abs=0.03)
        assert "distance" in page.message.content
        page._pick(SimpleNamespace(client=guest, screen_pos=(0.5, 0.01)), page.canvases[0])
        assert page.message.content == "there is nothing at this place"
        page._pick(SimpleNamespace(client=guest, screen_pos=(0.5, 0.5)), page.canvases[0])
        assert len(page._picked) == 1
        # The box cuts what can be picked, too.
        page.clips[0].value = (0.6, 1.0)
        page._clip()
        page._pick(SimpleNamespace(client=guest, screen_pos=(0.5, 0.5)), page.canvases[0])
        assert page.message.content == "there is nothing at this place"
        page._reset()
        assert page.clips[0].value == (0.0, 1.0)
        assert page.state.clip == ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    finally:
        served.close()


def test_browsers_begin_at_the_camera_and_see_scenes_of_any_size() -> None:
    far = PointCloud(np.random.default_rng(0).uniform(-4000, 4000, (500, 3)))
    served = serve(far, port=0, camera=ViewCamera((0, -20_000, 0), (0, 0, 0), (0, 0, 1), 30.0))
    try:
        place = served.page.servers[0].initial_camera
        assert place.fov == pytest.approx(np.radians(30))
        assert pytest.approx([0, -20_000, 0], abs=100) == place.position
        assert place.near < 16_000 < 24_000 < place.far
    finally:
        served.close()
