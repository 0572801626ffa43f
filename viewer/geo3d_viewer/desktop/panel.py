"""The controls at the window's right, and the help over the scene."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from geo3d_viewer.desktop.state import WindowState, frame_of
from geo3d_viewer.desktop.toolkit import import_toolkit
from geo3d_viewer.palette import Legend
from geo3d_viewer.panels import legend_image

_LEGEND = 220
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


class Panel:
    """Check boxes, colours, legend, point size, clipping and a line of text.

    A control gives `change` the state that it makes of the present one.
    """

    def __init__(
        self, window: Any, state: WindowState, change: Callable[[Callable[[WindowState], WindowState]], None]
    ) -> None:
        gui, _ = import_toolkit()
        self._window, self._change = window, change
        em = window.theme.font_size
        self.root = gui.ScrollableVert(0.35 * em, gui.Margins(0.6 * em, 0.6 * em, 0.6 * em, 0.6 * em))
        self._layers(gui, state)
        self._frames(gui, state)
        self._add(gui.Label("Colour by"))
        self.colors = self._add(gui.Combobox())
        for choice in state.color_choices:
            self.colors.add_item(choice)
        self.colors.set_on_selection_changed(lambda text, _i: change(lambda s: replace(s, color_by=text)))
        self.legend = self._add(gui.ImageWidget())
        self.legend_label = self._add(gui.Label(""))
        self._add(gui.Label("Point size"))
        self.size = self._add(gui.Slider(gui.Slider.DOUBLE))
        self.size.set_limits(-1, 1)
        self.size.set_on_value_changed(lambda v: change(lambda s: replace(s, point_scale=10.0**v)))
        clip = self._add(gui.CollapsableVert("Clip", 0.2 * em, gui.Margins(em, 0, 0, 0)))
        for axis in range(3):
            for end in range(2):
                clip.add_child(self._clip_slider(gui, axis, end))
        clip.set_is_open(False)
        self.message = self._add(gui.Label("? for help"))
        window.add_child(self.root)
        self.help = _help(gui, em)
        window.add_child(self.help)

    def _add(self, widget: Any) -> Any:
        self.root.add_child(widget)
        return widget

    def _layers(self, gui: Any, state: WindowState) -> None:
        self._add(gui.Label("Layers"))
        self.checks = {}
        em = self._window.theme.font_size
        # Hundreds of frames would push everything else off the window: they have the slider, and boxes when opened.
        frames = gui.CollapsableVert("Frames", 0.2 * em, gui.Margins(em, 0, 0, 0))
        frames.set_is_open(False)
        for layer in state.scene.layers:
            check = gui.Checkbox(layer.name)
            check.checked = layer.visible
            check.set_on_checked(lambda _on, name=layer.name: self._change(lambda s: s.toggled(name)))
            (frames if frame_of(layer.name) else self.root).add_child(check)
            self.checks[layer.name] = check
        if state.frames:
            self._add(frames)

    def _frames(self, gui: Any, state: WindowState) -> None:
        if len(state.frames) < 2:
            return
        self._add(gui.Label("Frame (0: all)"))
        frame = self._add(gui.Slider(gui.Slider.INT))
        frame.set_limits(0, len(state.frames))
        frame.set_on_value_changed(lambda v: self._change(lambda s: s.at_frame(int(v))))

    def _clip_slider(self, gui: Any, axis: int, end: int) -> Any:
        slider = gui.Slider(gui.Slider.DOUBLE)
        slider.set_limits(0, 1)
        slider.double_value = float(end)
        slider.tooltip = f"{'xyz'[axis]}, {'to' if end else 'from'}"

        def clipped(state: WindowState, value: float) -> WindowState:
            ends = [list(e) for e in state.clip]
            ends[end][axis] = value
            (a, b, c), (d, e, f) = ends
            return replace(state, clip=((a, b, c), (d, e, f)))

        slider.set_on_value_changed(lambda value: self._change(lambda s: clipped(s, value)))
        return slider

    def follow(self, state: WindowState) -> None:
        """Set the controls as the state says."""
        for layer in state.scene.layers:
            self.checks[layer.name].checked = layer.visible
        self.colors.selected_text = state.color_by
        self.size.double_value = math.log10(state.point_scale)

    def show_legend(self, legend: Legend | None) -> None:
        """Show what the colours stand for."""
        import open3d as o3d

        pixels: Any = legend_image(legend, _LEGEND) if legend is not None else np.full((10, _LEGEND, 3), 60, np.uint8)
        self.legend.update_image(o3d.geometry.Image(pixels))
        self.legend_label.text = f"{legend.label}: {legend.low:.3g} to {legend.high:.3g}" if legend is not None else ""

    def tell(self, text: str) -> None:
        """Show a line of text."""
        self.message.text = text


def _help(gui: Any, em: int) -> Any:
    panel = gui.Vert(0.3 * em, gui.Margins(em, em, em, em))
    panel.background_color = gui.Color(0.1, 0.12, 0.15, 0.92)
    for line in HELP.splitlines():
        panel.add_child(gui.Label(line))
    panel.visible = False
    return panel
