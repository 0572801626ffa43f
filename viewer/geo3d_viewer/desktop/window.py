"""The window: one view or several with one camera, controls beside them, keys."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from geo3d_viewer.camera import ViewCamera
from geo3d_viewer.desktop.budget import Budget, is_software_rendered
from geo3d_viewer.desktop.pane import Pane, Stage
from geo3d_viewer.desktop.panel import Panel
from geo3d_viewer.desktop.state import WHOLE, WindowState
from geo3d_viewer.desktop.toolkit import import_toolkit
from geo3d_viewer.framing import auto_camera, visible_points
from geo3d_viewer.linked import View, seen_in
from geo3d_viewer.octree import Octree
from geo3d_viewer.picking import point_at
from geo3d_viewer.scene import PointLayer, Scene

_PANEL_EMS = 17
_KEY_SLASH, _KEY_PLUS, _KEY_EQUALS, _KEY_MINUS = 47, 43, 61, 45
# The window answers this often while a large cloud is being drawn.
_SLICE = 0.02
# What takes all cores waits for the first picture, which comes from threads of the toolkit's: until they have rested
# for a moment, these seconds after the first tick at the earliest and the latest.
_FIRST_PICTURE, _MOMENT, _RESTING = (0.4, 6.0), 0.15, 0.5
# The camera has come to rest when it has not moved for so long.
_REST = 0.15
# A renderer that is behind drops a picture without a word, the last one too: it is asked again, so long after a change.
_AGAIN = (0.4, 1.2, 3.0)


class Window:
    """One window on one scene.

    Drawing goes one way: a control changes `state`, `_refresh` has the views draw what changed, and `_tick` goes on
    with what takes longer.
    """

    def __init__(
        self,
        scene: Scene,
        size: tuple[int, int],
        camera: ViewCamera | None,
        on_close: Callable[[ViewCamera], None],
        say: Callable[[str], None],
        views: Sequence[View] = (),
        on_shown: Callable[[Window], None] = lambda _window: None,
        start: ViewCamera | None = None,
    ) -> None:
        gui, _ = import_toolkit()
        points = visible_points(scene)
        self.state = WindowState(scene)
        views = views or (("", ()),)
        # The panel takes about a quarter of the width.
        automatic, up = auto_camera(scene, (3 * size[0] // (4 * len(views)), size[1]))
        self.home = camera or automatic
        reach = float(np.linalg.norm(np.subtract(self.home.position, self.home.target)))
        scale = self.home.focal(size[1]) / max(reach, 1e-9)
        self.stage = Stage(np.stack([points.min(axis=0), points.max(axis=0)]), up, scale)
        self._on_close, self._say, self._on_shown = on_close, say, on_shown
        self._picked: list[np.ndarray[Any, Any]] = []
        self._trees: Mapping[str, Octree] = {}
        self._screenshots = 0
        self._first_tick, self._is_shown = 0.0, False
        self._glance = 0.0, 0.0
        self._budget, self._drawn_since = Budget(), 0.0
        self._is_coarse = False
        self._changed, self._asked = 0.0, 0
        self.window = gui.Application.instance.create_window(f"geo3d view - {scene.title}", *size)
        self.panes = [Pane(self.window, self.stage, names, title) for title, names in views]
        for pane in self.panes:
            pane.widget.set_on_mouse(lambda event, pane=pane: self._mouse(event, pane))
        self.panel = Panel(self.window, self.state, lambda change: self._set(change(self.state)))
        self.window.set_on_layout(self._layout)
        self.window.set_on_key(self._key)
        self.window.set_on_close(self._close)
        self.look(start or self.home)
        self._refresh(start or self.home)
        self.window.set_on_tick_event(self._tick)

    def _layout(self, context: Any) -> None:
        gui, _ = import_toolkit()
        area, em = self.window.content_rect, self.window.theme.font_size
        width = min(_PANEL_EMS * em, area.width // 2)
        edges = np.linspace(area.x, area.get_right() - width, len(self.panes) + 1).astype(int)
        for pane, left, right in zip(self.panes, edges[:-1], edges[1:], strict=True):
            gap = 2 if right != edges[-1] else 0
            pane.widget.frame = gui.Rect(left, area.y, right - left - gap, area.height)
            title = pane.label.calc_preferred_size(context, gui.Widget.Constraints())
            room = right - left - gap
            pane.label.frame = gui.Rect(left, area.y, min(title.width, room), title.height)
        self.panel.root.frame = gui.Rect(area.get_right() - width, area.y, width, area.height)
        wanted = self.panel.help.calc_preferred_size(context, gui.Widget.Constraints())
        self.panel.help.frame = gui.Rect(area.x + 20, area.y + 20, wanted.width, wanted.height)

    def look(self, camera: ViewCamera) -> None:
        """Move the camera of all views."""
        for pane in self.panes:
            pane.look(camera)
        self._matrices = [pane.view_matrix for pane in self.panes]
        self._moved = 0.0

    @property
    def camera(self) -> ViewCamera:
        """The view as it is now."""
        return self.panes[0].camera

    def _set(self, state: WindowState) -> None:
        self.state = state
        self.panel.follow(state)
        self._refresh(self.camera)

    def _refresh(self, camera: ViewCamera) -> None:
        """Make the views hold what the state says."""
        pixels = 3.0 * self.state.point_scale * self.window.scaling
        budget = self._budget.points // len(self.panes)
        self._aimed = self.panes[0].view_matrix, self._budget
        legends = [g for pane in self.panes for g in pane.refresh(self.state, self._trees, pixels, camera, budget)]
        self.panel.show_legend(legends[0] if legends else None)
        self._redraw()

    def _redraw(self) -> None:
        """Ask for a picture, and again for a while, because the last one may be dropped."""
        self._changed = time.monotonic()
        self.window.post_redraw()

    def refined(self, scene: Scene, trees: Mapping[str, Octree]) -> None:
        """Take the same layers in more detail; those in `trees` (by name) hold the points in the octree's order."""
        self._trees = trees
        self._set(self.state.refined(scene))

    def _tick(self) -> bool:
        """Keep the views together, and go on with what is not drawn yet; True if there is something new to see."""
        now = time.monotonic()
        if not self._first_tick:
            self._first_tick = now
            self._budget = Budget(is_fixed=is_software_rendered())
        if not self._is_shown and self._is_first_drawn(now):
            self._is_shown = True
            self._on_shown(self)
        if self._drawn_since and self._trees:
            self._budget = self._budget.after(now - self._drawn_since)
        is_new = self._follow_camera()
        end = time.perf_counter() + _SLICE
        while not self._is_coarse and time.perf_counter() < end and any(pane.step() for pane in self.panes):
            is_new = True
        self._drawn_since = time.monotonic() if is_new else 0.0
        self._changed = now if is_new else self._changed
        asked, self._asked = self._asked, sum(now > self._changed + wait for wait in _AGAIN)
        return is_new or self._asked > asked

    def _is_first_drawn(self, now: float) -> bool:
        """True when this process rests after the first picture, or that takes too long."""
        earliest, latest = (self._first_tick + wait for wait in _FIRST_PICTURE)
        before, spent = self._glance
        if now < before + _MOMENT:
            return False
        self._glance = now, time.process_time()
        is_resting = before > 0 and self._glance[1] - spent < _RESTING * (now - before)
        return (is_resting and now > earliest) or now > latest

    def _follow_camera(self) -> bool:
        """Turn the other views to where the user has turned one; at rest, choose the points anew for this camera."""
        pairs = zip(self.panes, self._matrices, strict=True)
        leader = next((pane for pane, before in pairs if not np.array_equal(pane.view_matrix, before)), None)
        now = time.monotonic()
        if leader is not None:
            for pane in self.panes:
                if pane is not leader:
                    pane.scene.camera.copy_from(leader.scene.camera)
            self._matrices, self._moved = [pane.view_matrix for pane in self.panes], now
            self._draw_coarsely(self._budget.is_least)
            return True
        matrix, budget = self._aimed
        is_old = budget != self._budget or not np.array_equal(matrix, self._matrices[0])
        is_resting = now > self._moved + _REST
        if self._trees and is_old and is_resting:
            self._refresh(self.camera)
        if self._is_coarse and is_resting:
            self._draw_coarsely(False)
            return True
        return False

    def _draw_coarsely(self, is_coarse: bool) -> None:
        """Have few points stand for large clouds where a whole picture would keep a moving camera waiting."""
        self._is_coarse = is_coarse
        for pane in self.panes:
            pane.move(is_coarse)

    def _mouse(self, event: Any, pane: Pane) -> Any:
        gui, _ = import_toolkit()
        result = gui.Widget.EventCallbackResult
        is_pick = event.type == gui.MouseEvent.Type.BUTTON_DOWN and event.is_modifier_down(gui.KeyModifier.CTRL)
        if not is_pick:
            return result.IGNORED
        pixel = (event.x - pane.widget.frame.x, event.y - pane.widget.frame.y)
        point = point_at(self._on_screen(pane), self.camera, pane.size, pixel, self.stage.up)
        if point is None:
            self._tell("there is nothing at this place")
        else:
            self._pick(point)
        return result.CONSUMED

    def _on_screen(self, pane: Pane) -> Scene:
        """The scene of a view, with no more points of large clouds than are drawn."""
        points = pane.drawn_points()
        shown = seen_in(self.state.scene, pane.names).visible_layers
        layers = tuple(
            replace(la, cloud=points[la.name]) if isinstance(la, PointLayer) and la.name in points else la
            for la in shown
        )
        scene = replace(self.state.scene, layers=layers)
        return replace(self.state, scene=scene).drawn(self.stage.box)

    def _pick(self, point: np.ndarray[Any, Any]) -> None:
        self._picked = [*self._picked[-1:], point]
        where = ", ".join(f"{v:.3f}" for v in self._picked[-1])
        text = f"({where})"
        if len(self._picked) == 2:
            text += f"\ndistance {np.linalg.norm(self._picked[1] - self._picked[0]):.4g} m"
            self._picked = []
        self._tell(text)

    def _tell(self, text: str) -> None:
        self.panel.tell(text)
        self._say(text.replace("\n", " "))
        self.window.set_needs_layout()
        self._redraw()

    def _key(self, event: Any) -> bool:
        gui, _ = import_toolkit()
        if event.type != gui.KeyEvent.Type.DOWN:
            return False
        key = int(event.key)
        actions: dict[int, Callable[[], None]] = {
            _KEY_SLASH: self._toggle_help,
            ord("b"): lambda: self._set(self.state.blinked()),
            ord("c"): lambda: self._set(self.state.recolored()),
            _KEY_PLUS: lambda: self._set(self.state.scaled(1.25)),
            _KEY_EQUALS: lambda: self._set(self.state.scaled(1.25)),
            _KEY_MINUS: lambda: self._set(self.state.scaled(0.8)),
            ord("r"): self._reset,
            ord("s"): self._screenshot,
            ord("p"): lambda: self._tell(self.camera.to_json()),
            ord("q"): self.window.close,
        }
        for digit, name in enumerate(self.state.scene.names[:9], start=ord("1")):
            actions[digit] = partial(self._toggle, name)
        if key not in actions:
            return False
        # A key that is held would toggle to and fro; only the size of points may go on.
        if not event.is_repeat or key in (_KEY_PLUS, _KEY_EQUALS, _KEY_MINUS):
            actions[key]()
        return True

    def _toggle(self, name: str) -> None:
        self._set(self.state.toggled(name))

    def _toggle_help(self) -> None:
        self.panel.help.visible = not self.panel.help.visible
        self.window.set_needs_layout()
        self._redraw()

    def _reset(self) -> None:
        self.look(self.home)
        self._set(replace(self.state, clip=WHOLE))

    def _screenshot(self) -> None:
        from geo3d_viewer.panels import side_by_side
        from geo3d_viewer.snapshots import drawn_image, write_image

        # Drawn by the rasteriser from the same scene and camera: the same picture as `geo3d view --snapshot` gives.
        self._screenshots += 1
        path = Path(f"geo3d-view-{self._screenshots:03d}.png")
        drawn = self.state.drawn(self.stage.box)
        images = [drawn_image(seen_in(drawn, pane.names), pane.size, self.camera) for pane in self.panes]
        titles = [pane.label.text for pane in self.panes]
        write_image(path, images[0] if len(images) == 1 else side_by_side(images, titles))
        self._tell(f"wrote {path}")

    def _close(self) -> bool:
        self._on_close(self.camera)
        return True
