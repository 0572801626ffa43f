"""The window: Open3D's scene widget, a panel of controls beside it, keys."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from geo3d_viewer.camera import ViewCamera
from geo3d_viewer.desktop.geometry import to_open3d
from geo3d_viewer.desktop.state import WHOLE, WindowState
from geo3d_viewer.framing import auto_camera, visible_points
from geo3d_viewer.lod import points_in_view
from geo3d_viewer.palette import palette
from geo3d_viewer.picking import point_at
from geo3d_viewer.scene import Layer, PointLayer, Scene

HELP = """mouse       left turn, right move, wheel zoom
ctrl+click  pick a point; two picks measure
1 to 9      show or hide a layer
b           blink: one layer at a time
c           next colouring
+  -        larger, smaller points
r           look at everything again
s           screenshot in this folder
p           print the camera as JSON
?           this help
q           close"""

_PANEL_EMS = 17
_KEY_SLASH, _KEY_PLUS, _KEY_EQUALS, _KEY_MINUS = 47, 43, 61, 45


class Window:
    """One window on one scene.

    Drawing goes one way: a control changes `state`, `_refresh` redraws the layers that changed.  Coordinates
    are kept relative to the scene's centre, because the graphics card has float32 only.
    """

    def __init__(
        self,
        scene: Scene,
        size: tuple[int, int],
        camera: ViewCamera | None,
        on_close: Callable[[ViewCamera], None],
        say: Callable[[str], None],
    ) -> None:
        from open3d.visualization import gui, rendering

        points = visible_points(scene)
        self.state = WindowState(scene)
        self.box = np.stack([points.min(axis=0), points.max(axis=0)])
        self.centre = self.box.mean(axis=0)
        # The panel takes about a quarter of the width.
        automatic, self.up = auto_camera(scene, (3 * size[0] // 4, size[1]))
        self.home = camera or automatic
        self._on_close, self._say = on_close, say
        self._picked: list[np.ndarray[Any, Any]] = []
        self._drawn: dict[str, Layer] = {}
        self._view_of_points: ViewCamera | None = None
        self._screenshots = 0
        self.window = gui.Application.instance.create_window(f"geo3d view - {scene.title}", *size)
        self.widget = gui.SceneWidget()
        self.widget.scene = rendering.Open3DScene(self.window.renderer)
        self.widget.scene.set_background([0.93, 0.945, 0.965, 1.0])
        # Tone mapping would wash out colours that are measurements.
        self.widget.scene.view.set_post_processing(False)
        self.widget.set_view_controls(gui.SceneWidget.Controls.ROTATE_CAMERA)
        self.widget.set_on_mouse(self._mouse)
        self.window.add_child(self.widget)
        self._make_panel(gui)
        self.help = self._make_help(gui)
        self.window.set_on_layout(self._layout)
        self.window.set_on_key(self._key)
        self.window.set_on_close(self._close)
        self.look(self.home)
        self._refresh()

    def _make_panel(self, gui: Any) -> None:
        em = self.window.theme.font_size
        self.panel = gui.ScrollableVert(0.35 * em, gui.Margins(0.6 * em, 0.6 * em, 0.6 * em, 0.6 * em))
        self.panel.add_child(gui.Label("Layers"))
        self.checks = {}
        for layer in self.state.scene.layers:
            check = gui.Checkbox(layer.name)
            check.checked = layer.visible
            check.set_on_checked(lambda _on, name=layer.name: self._set(self.state.toggled(name)))
            self.panel.add_child(check)
            self.checks[layer.name] = check
        if len(self.state.frames) > 1:
            self.panel.add_child(gui.Label("Frame (0: all)"))
            frame = gui.Slider(gui.Slider.INT)
            frame.set_limits(0, len(self.state.frames))
            frame.set_on_value_changed(lambda v: self._set(self.state.at_frame(int(v))))
            self.panel.add_child(frame)
        self.panel.add_child(gui.Label("Colour by"))
        self.colors = gui.Combobox()
        for choice in self.state.color_choices:
            self.colors.add_item(choice)
        self.colors.set_on_selection_changed(lambda text, _i: self._set(replace(self.state, color_by=text)))
        self.panel.add_child(self.colors)
        self.legend = gui.ImageWidget()
        self.panel.add_child(self.legend)
        self.legend_label = gui.Label("")
        self.panel.add_child(self.legend_label)
        self.panel.add_child(gui.Label("Point size"))
        self.size = gui.Slider(gui.Slider.DOUBLE)
        self.size.set_limits(-1, 1)
        self.size.set_on_value_changed(lambda v: self._set(replace(self.state, point_scale=10.0**v)))
        self.panel.add_child(self.size)
        clip = gui.CollapsableVert("Clip", 0.2 * em, gui.Margins(em, 0, 0, 0))
        for axis in range(3):
            for end in range(2):
                clip.add_child(self._clip_slider(gui, axis, end))
        clip.set_is_open(False)
        self.panel.add_child(clip)
        self.message = gui.Label("? for help")
        self.panel.add_child(self.message)
        self.window.add_child(self.panel)

    def _clip_slider(self, gui: Any, axis: int, end: int) -> Any:
        slider = gui.Slider(gui.Slider.DOUBLE)
        slider.set_limits(0, 1)
        slider.double_value = float(end)
        slider.tooltip = f"{'xyz'[axis]}, {'to' if end else 'from'}"

        def changed(value: float) -> None:
            ends = [list(e) for e in self.state.clip]
            ends[end][axis] = value
            (a, b, c), (d, e, f) = ends
            self._set(replace(self.state, clip=((a, b, c), (d, e, f))))

        slider.set_on_value_changed(changed)
        return slider

    def _make_help(self, gui: Any) -> Any:
        em = self.window.theme.font_size
        panel = gui.Vert(0.3 * em, gui.Margins(em, em, em, em))
        panel.background_color = gui.Color(0.1, 0.12, 0.15, 0.92)
        for line in HELP.splitlines():
            panel.add_child(gui.Label(line))
        panel.visible = False
        self.window.add_child(panel)
        return panel

    def _layout(self, context: Any) -> None:
        from open3d.visualization import gui

        area = self.window.content_rect
        width = min(_PANEL_EMS * self.window.theme.font_size, area.width // 2)
        self.widget.frame = gui.Rect(area.x, area.y, area.width - width, area.height)
        self.panel.frame = gui.Rect(area.get_right() - width, area.y, width, area.height)
        wanted = self.help.calc_preferred_size(context, gui.Widget.Constraints())
        self.help.frame = gui.Rect(area.x + 20, area.y + 20, wanted.width, wanted.height)

    def look(self, camera: ViewCamera) -> None:
        """Move the camera."""
        self.widget.setup_camera(camera.fov, self._bounds(), np.zeros(3, dtype=np.float32))
        target, eye = (np.subtract(v, self.centre).astype(np.float32) for v in (camera.target, camera.position))
        self.widget.look_at(target, eye, np.asarray(camera.up, dtype=np.float32))
        self.widget.center_of_rotation = target

    def _bounds(self) -> Any:
        import open3d as o3d

        return o3d.geometry.AxisAlignedBoundingBox(self.box[0] - self.centre, self.box[1] - self.centre)

    @property
    def camera(self) -> ViewCamera:
        """The view as it is now."""
        camera = self.widget.scene.camera
        T = np.linalg.inv(np.asarray(camera.get_view_matrix(), dtype=np.float64))
        reach = max(float(np.linalg.norm(T[:3, 3])), 1e-6)
        eye = T[:3, 3] + self.centre
        target = eye - T[:3, 2] * reach
        return ViewCamera(
            tuple(eye), tuple(target), tuple(T[:3, 1]), float(np.clip(camera.get_field_of_view(), 1, 150))
        )

    @property
    def _aspect(self) -> float:
        frame = self.widget.frame
        return max(frame.width, 1) / max(frame.height, 1)

    def _set(self, state: WindowState) -> None:
        self.state = state
        for layer in state.scene.layers:
            self.checks[layer.name].checked = layer.visible
        self.colors.selected_text = state.color_by
        self.size.double_value = math.log10(state.point_scale)
        self._refresh()

    def _refresh(self, *, points_again: bool = False) -> None:
        """Make the graphics scene hold what the state says."""
        view = self.camera if self._view_of_points or points_again else self.home
        wanted = {layer.name: layer for layer in self.state.drawn(self.box).layers}
        legends = []
        pixels = 3.0 * self.state.point_scale * self.window.scaling
        for name in set(self._drawn) - set(wanted):
            self.widget.scene.remove_geometry(name)
            del self._drawn[name]
        for name, layer in wanted.items():
            if name in self._drawn:
                self.widget.scene.remove_geometry(name)
            geometry, material, legend = to_open3d(layer, self.centre, self.up, pixels, view, self._aspect)
            legends += [legend] if legend is not None else []
            self._drawn.pop(name, None)
            if geometry is not None:
                self.widget.scene.add_geometry(name, geometry, material)
                self._drawn[name] = layer
        self._view_of_points = view
        self._show_legend(legends[0] if legends else None)
        self.window.post_redraw()

    def _show_legend(self, legend: Any) -> None:
        import open3d as o3d

        ramp = palette(np.linspace(0, 1, 200)) if legend is not None else np.full((200, 3), 60, np.uint8)
        pixels: Any = np.ascontiguousarray(np.broadcast_to(ramp, (10, 200, 3)))
        self.legend.update_image(o3d.geometry.Image(pixels))
        self.legend_label.text = f"{legend.label}: {legend.low:.3g} to {legend.high:.3g}" if legend is not None else ""

    def refined(self, scene: Scene) -> None:
        """Take the same layers in more detail."""
        self._set(self.state.refined(scene))

    def refine(self) -> None:
        """Choose the points of large clouds anew for where the camera is now."""
        now = self.camera
        if now == self._view_of_points:
            return
        clouds = [la for la in self.state.scene.visible_layers if isinstance(la, PointLayer)]
        if any(not isinstance(points_in_view(la.cloud.points, now, self._aspect, 3_000_000), slice) for la in clouds):
            self._refresh(points_again=True)

    def _mouse(self, event: Any) -> Any:
        from open3d.visualization import gui

        result = gui.Widget.EventCallbackResult
        if event.type == gui.MouseEvent.Type.BUTTON_UP:
            gui.Application.instance.post_to_main_thread(self.window, self.refine)
        is_pick = event.type == gui.MouseEvent.Type.BUTTON_DOWN and event.is_modifier_down(gui.KeyModifier.CTRL)
        if not is_pick:
            return result.IGNORED
        frame = self.widget.frame
        pixel = (event.x - frame.x, event.y - frame.y)
        size = (int(frame.width), int(frame.height))
        point = point_at(self.state.drawn(self.box), self.camera, size, pixel, self.up)
        if point is None:
            self._tell("there is nothing at this place")
        else:
            self._pick(point)
        return result.CONSUMED

    def _pick(self, point: np.ndarray[Any, Any]) -> None:
        self._picked = [*self._picked[-1:], point]
        where = ", ".join(f"{v:.3f}" for v in self._picked[-1])
        text = f"({where})"
        if len(self._picked) == 2:
            text += f"\ndistance {np.linalg.norm(self._picked[1] - self._picked[0]):.4g} m"
            self._picked = []
        self._tell(text)

    def _tell(self, text: str) -> None:
        self.message.text = text
        self._say(text.replace("\n", " "))
        self.window.set_needs_layout()
        self.window.post_redraw()

    def _key(self, event: Any) -> bool:
        from open3d.visualization import gui

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
        names = self.state.scene.names
        if ord("1") <= key <= ord("9") and key - ord("1") < len(names):
            self._set(self.state.toggled(names[key - ord("1")]))
            return True
        if key not in actions:
            return False
        actions[key]()
        return True

    def _toggle_help(self) -> None:
        self.help.visible = not self.help.visible
        self.window.set_needs_layout()
        self.window.post_redraw()

    def _reset(self) -> None:
        self.look(self.home)
        self._set(replace(self.state, clip=WHOLE))

    def _screenshot(self) -> None:
        from geo3d_viewer.snapshots import snapshot

        # Drawn by the rasteriser from the same scene and camera: the same picture as `geo3d view --snapshot` gives.
        self._screenshots += 1
        path = Path(f"geo3d-view-{self._screenshots:03d}.png")
        frame = self.widget.frame
        shot = snapshot(self.state.drawn(self.box), path, (int(frame.width), int(frame.height)), self.camera)
        self._tell(f"wrote {shot.path}")

    def _close(self) -> bool:
        self._on_close(self.camera)
        return True
