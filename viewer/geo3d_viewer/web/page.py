"""The page: one view or several with one camera, and controls that change the same state as the desktop window's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from geo3d_viewer.camera import ViewCamera
from geo3d_viewer.desktop.state import WHOLE, Box, WindowState, frame_of
from geo3d_viewer.framing import auto_camera, visible_points
from geo3d_viewer.linked import View, seen_in
from geo3d_viewer.palette import Legend
from geo3d_viewer.panels import legend_image
from geo3d_viewer.picking import point_at
from geo3d_viewer.scene import Layer, LineLayer, PointLayer, Scene
from geo3d_viewer.web.canvas import Canvas
from geo3d_viewer.web.split import PANEL_WIDTH

HELP = """| | |
| --- | --- |
| mouse | left turn, right move, wheel zoom |
| ctrl+click | pick a point; two picks measure |
| 1 to 9 | show or hide a layer |
| b | blink: one layer at a time |
| c | next colouring |
| r | look at everything again |
| h | this help |
"""
# Other views follow the one that was moved last; what they report meanwhile is its echo.
_ECHO = 0.6
# A browser that has just come first reports a camera of its own, until it has taken ours.
_ARRIVAL = 10.0
# A pick is drawn on the processor, with no more points than this.
_PICK_POINTS = 300_000


class Page:
    """One scene on one viser server a view; every browser that connects sees the same."""

    def __init__(
        self, servers: Sequence[Any], scene: Scene, camera: ViewCamera | None = None, views: Sequence[View] = ()
    ) -> None:
        points = visible_points(scene)
        self.servers = list(servers)
        self.views = tuple(views) or (("", ()),)
        self.state = WindowState(scene)
        self.box = np.stack([points.min(axis=0), points.max(axis=0)])
        automatic, self.up = auto_camera(scene, (1280 // len(self.views), 720))
        self.home = self._shared = camera or automatic
        self._leader: Any = None
        self._led, self._lock = 0.0, threading.Lock()
        self._arrived: dict[tuple[int, Canvas], float] = {}
        self._picked: list[np.ndarray[Any, Any]] = []
        self.checks: dict[str, Any] = {}
        centre = self.box.mean(axis=0)
        self.canvases = [
            Canvas(server, names, centre, self.up) for server, (_, names) in zip(servers, self.views, strict=True)
        ]
        for canvas in self.canvases:
            canvas.start_at(self.home)
            canvas.server.on_client_connect(lambda client, canvas=canvas: self._welcome(client, canvas))
            pick = canvas.server.scene.on_click(modifier="cmd/ctrl")
            pick(lambda event, canvas=canvas: self._pick(event, canvas))
            self._keys(canvas.server.gui)
        # The controls stand beside the last view; the others have none.
        for canvas, (title, _) in zip(self.canvases[:-1], self.views, strict=False):
            canvas.server.gui.configure_theme(show_logo=False, show_share_button=False)
            canvas.server.gui.set_panel_label(title[:40])
            canvas.server.gui.main_panel.minimize()
        self._controls(self.canvases[-1].server.gui)
        self._draw()

    @property
    def nodes(self) -> dict[str, Any]:
        """The layers' nodes by name."""
        return {name: node for canvas in self.canvases for name, node in canvas.nodes.items()}

    def _controls(self, gui: Any) -> None:
        gui.configure_theme(show_logo=False, show_share_button=False)
        gui.main_panel.dock_right()
        gui.main_panel.set_width(PANEL_WIDTH)
        gui.set_panel_label(self.state.scene.title[:40] or "geo3d view")
        with gui.add_folder("Layers"):
            self._boxes(gui, [la for la in self.state.scene.layers if not frame_of(la.name)])
        if self.state.frames:
            with gui.add_folder("Frames", expand_by_default=False):
                self._boxes(gui, [la for la in self.state.scene.layers if frame_of(la.name)])
        if len(self.state.frames) > 1:
            frame = gui.add_slider("Frame (0: all)", 0, len(self.state.frames), 1, 0)
            frame.on_update(lambda _event: self._set(self.state.at_frame(int(frame.value))))
        self.colors = gui.add_dropdown("Colour by", tuple(self.state.color_choices))
        self.colors.on_update(lambda _event: self._recolor(self.colors.value))
        self.ramp = gui.add_image(np.zeros((1, 1, 3), np.uint8), format="png", visible=False)
        self.legend = gui.add_markdown("")
        size = gui.add_slider("Point size", -1.0, 1.0, 0.05, 0.0)
        size.on_update(lambda _event: self._resize(10.0**size.value))
        with gui.add_folder("Clip", expand_by_default=False):
            self.clips = [gui.add_multi_slider(axis, 0.0, 1.0, 0.01, (0.0, 1.0)) for axis in "xyz"]
            for slider in self.clips:
                slider.on_update(lambda _event: self._clip())
        gui.add_button("Blink (b)").on_click(lambda _event: self._set(self.state.blinked()))
        gui.add_button("Reset view (r)").on_click(lambda _event: self._reset())
        self.message = gui.add_markdown("ctrl+click picks a point, two measure")
        with gui.add_folder("Help", expand_by_default=False):
            gui.add_markdown(HELP)

    def _boxes(self, gui: Any, layers: list[Layer]) -> None:
        for layer in layers:
            check = gui.add_checkbox(layer.name, layer.visible)
            check.on_update(lambda _event, name=layer.name: self._toggle(name))
            self.checks[layer.name] = check

    def _keys(self, gui: Any) -> None:
        def key(hotkey: str, label: str, act: Callable[[], None]) -> None:
            gui.add_command(label, hotkey=hotkey).on_trigger(lambda _event: act())

        key("B", "Blink", lambda: self._set(self.state.blinked()))
        key("C", "Next colouring", lambda: self._set(self.state.recolored()))
        key("R", "Reset view", self._reset)
        key("H", "Help", lambda: self._help(gui))
        for number, name in enumerate(self.state.scene.names[:9], start=1):
            key(str(number), f"Show or hide {name}", partial(self._flip, name))

    @staticmethod
    def _help(gui: Any) -> None:
        modal = gui.add_modal("Keys")
        with modal:
            gui.add_markdown(HELP)
            gui.add_button("Close").on_click(lambda _event: modal.close())

    def refined(self, scene: Scene) -> None:
        """Take the same layers in more detail."""
        self._set(self.state.refined(scene))

    def _set(self, state: WindowState) -> None:
        """Take a new state; draw anew only what it changes."""
        old, self.state = self.state, state
        for layer in state.scene.layers:
            self.checks[layer.name].value = layer.visible
            for canvas in self.canvases:
                canvas.set_visible(layer.name, layer.visible)
        self.colors.value = state.color_by
        is_same = all(map(_is_same, old.scene.layers, state.scene.layers))
        if (old.color_by, old.clip) != (state.color_by, state.clip) or not is_same:
            self._draw()

    def _toggle(self, name: str) -> None:
        visible = self.checks[name].value
        if visible != self.state.scene[name].visible:
            self._set(replace(self.state, scene=self.state.scene.with_visible(name, visible)))

    def _flip(self, name: str) -> None:
        self._set(self.state.toggled(name))

    def _recolor(self, color_by: str) -> None:
        if color_by != self.state.color_by:
            self._set(replace(self.state, color_by=color_by))

    def _clip(self) -> None:
        low, high = zip(*(slider.value for slider in self.clips), strict=True)
        clip: Box = (low, high)
        if clip != self.state.clip:
            self._set(replace(self.state, clip=clip))

    def _resize(self, scale: float) -> None:
        self.state = replace(self.state, point_scale=scale)
        for canvas in self.canvases:
            canvas.resize(self.state.scene, scale)

    def _reset(self) -> None:
        for slider in self.clips:
            slider.value = (0.0, 1.0)
        self._set(replace(self.state, clip=WHOLE))
        self._shared, self._leader = self.home, None
        for canvas in self.canvases:
            for client in canvas.server.get_clients().values():
                canvas.look(client, self.home)

    def _draw(self) -> None:
        shown = self.state.scene
        everything = shown.with_layers(replace(la, visible=True) for la in shown.layers)
        drawn = replace(self.state, scene=everything).drawn(self.box)
        drawn = drawn.with_layers(replace(la, visible=shown[la.name].visible) for la in drawn.layers)
        scale = self.state.point_scale
        legends: list[Legend] = [g for canvas in self.canvases for g in canvas.draw(drawn, scale)]
        self.ramp.visible = bool(legends)
        if legends:
            self.ramp.image = legend_image(legends[0], 480)
        self.legend.content = "  \n".join(
            dict.fromkeys(f"{g.label}: {g.low:.3g} (dark) to {g.high:.3g} (bright)" for g in legends)
        )

    def _welcome(self, client: Any, canvas: Canvas) -> None:
        self._arrived[client.client_id, canvas] = time.monotonic()
        canvas.look(client, self._shared)
        if len(self.canvases) > 1:
            client.camera.on_update(lambda _camera: self._follow(client, canvas))

    def _follow(self, client: Any, canvas: Canvas) -> None:
        """Turn the other views to where one has been turned."""
        with self._lock:
            now, seen = time.monotonic(), canvas.camera_of(client)
            reach = float(np.linalg.norm(np.subtract(seen.position, seen.target)))
            guest = client.client_id, canvas
            if _apart(seen, self._shared) < 1e-4 * max(reach, 1e-9):
                self._arrived.pop(guest, None)
                return
            is_arriving = now < self._arrived.get(guest, -_ARRIVAL) + _ARRIVAL
            if is_arriving or (self._leader is not client and now < self._led + _ECHO):
                return
            self._leader, self._led, self._shared = client, now, seen
            for other in self.canvases:
                if other is not canvas:
                    for follower in other.server.get_clients().values():
                        other.look(follower, seen)

    def _pick(self, event: Any, canvas: Canvas) -> None:
        seen = event.client.camera
        size = int(seen.image_width), int(seen.image_height)
        pixel = int(event.screen_pos[0] * size[0]), int(event.screen_pos[1] * size[1])
        scene = seen_in(self.state.drawn(self.box), canvas.names)
        point = point_at(_light(scene), canvas.camera_of(event.client), size, pixel, self.up)
        if point is None:
            self.message.content = "there is nothing at this place"
            return
        self._picked = [*(self._picked if len(self._picked) < 2 else []), point]
        text = "(" + ", ".join(f"{v:.3f}" for v in point) + ")"
        if len(self._picked) == 2:
            text += f"  \ndistance **{np.linalg.norm(self._picked[1] - self._picked[0]):.4g} m**"
        self.message.content = text
        radius = 0.004 * float(np.linalg.norm(self.box[1] - self.box[0]))
        for each in self.canvases:
            each.mark(self._picked, radius)


def _is_same(a: Layer, b: Layer) -> bool:
    """True for one layer, shown or hidden."""
    mine, other = (vars(replace(la, visible=True)) for la in (a, b))
    return type(a) is type(b) and all(mine[k] is other[k] for k in mine)


def _light(scene: Scene) -> Scene:
    from geo3d_viewer.lod import thinned_cloud

    return replace(
        scene,
        layers=tuple(
            replace(la, cloud=thinned_cloud(la.cloud, _PICK_POINTS)) if isinstance(la, PointLayer) else la
            for la in scene.layers
            if not isinstance(la, LineLayer)
        ),
    )


def _apart(a: ViewCamera, b: ViewCamera) -> float:
    return float(max(np.abs(np.subtract(a.position, b.position)).max(), np.abs(np.subtract(a.target, b.target)).max()))
