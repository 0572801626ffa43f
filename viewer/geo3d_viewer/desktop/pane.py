"""One view into the scene: an Open3D widget and what is drawn in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.types import PointCloud
from geo3d_viewer.camera import ViewCamera
from geo3d_viewer.density import typical_spacing
from geo3d_viewer.desktop.chunks import Chunks, Look
from geo3d_viewer.desktop.geometry import point_material, to_open3d
from geo3d_viewer.desktop.state import WindowState, clipped
from geo3d_viewer.desktop.toolkit import import_toolkit
from geo3d_viewer.linked import is_in
from geo3d_viewer.lod import FIRST_POINTS, thinned_cloud
from geo3d_viewer.octree import Octree
from geo3d_viewer.palette import Legend
from geo3d_viewer.scene import Layer, PointLayer

_USUAL_PIXELS, _WIDEST = 3.0, 4.0
_GROUND = [0.93, 0.945, 0.965, 1.0]


@dataclass(frozen=True, eq=False)
class Stage:
    """What all views of a window share.

    box               [2, 3] of the scene
    up                [3]
    pixels_per_metre  at the scene's middle, as it is first seen
    """

    box: NDArray[np.float64]
    up: NDArray[np.float64]
    pixels_per_metre: float

    @property
    def centre(self) -> NDArray[np.float64]:
        """[3] to which everything on the card is relative, because the card has float32 only."""
        return np.asarray(self.box.mean(axis=0))


@dataclass(frozen=True, eq=False)
class _Drawn:
    key: tuple[Any, ...]
    layer: Layer
    legend: Legend | None
    is_empty: bool


class Pane:
    """A view of some layers (`names` or what lies under them; none: all), under a title where it has one."""

    def __init__(self, window: Any, stage: Stage, names: tuple[str, ...] = (), title: str = "") -> None:
        gui, rendering = import_toolkit()
        self.names, self.stage = names, stage
        self.widget = gui.SceneWidget()
        self.scene = self.widget.scene = rendering.Open3DScene(window.renderer)
        self.scene.set_background(_GROUND)
        # Tone mapping would wash out colours that are measurements.
        self.scene.view.set_post_processing(False)
        self.widget.set_view_controls(gui.SceneWidget.Controls.ROTATE_CAMERA)
        self.label = gui.Label(title)
        # The toolkit draws a dark plate behind labels.
        self.label.text_color = gui.Color(0.94, 0.95, 0.97)
        window.add_child(self.widget)
        if title:
            window.add_child(self.label)
        self._drawn: dict[str, _Drawn] = {}
        self._chunks: dict[str, tuple[tuple[Any, ...], Look, Chunks]] = {}
        self._to_drop: set[str] = set()

    def shows(self, name: str) -> bool:
        """True if the layer belongs in this view."""
        return is_in(name, self.names)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        frame = self.widget.frame
        return max(int(frame.width), 1), max(int(frame.height), 1)

    def look(self, camera: ViewCamera) -> None:
        """Move the camera."""
        import open3d as o3d

        box, centre = self.stage.box, self.stage.centre
        bounds = o3d.geometry.AxisAlignedBoundingBox(box[0] - centre, box[1] - centre)
        self.widget.setup_camera(camera.fov, bounds, np.zeros(3, dtype=np.float32))
        target, eye = (np.subtract(v, centre).astype(np.float32) for v in (camera.target, camera.position))
        self.widget.look_at(target, eye, np.asarray(camera.up, dtype=np.float32))
        self.widget.center_of_rotation = target

    @property
    def view_matrix(self) -> NDArray[np.float64]:
        """[4, 4] as the card has it."""
        return np.asarray(self.scene.camera.get_view_matrix(), dtype=np.float64)

    @property
    def camera(self) -> ViewCamera:
        """The view as it is now."""
        T = np.linalg.inv(self.view_matrix)
        reach = max(float(np.linalg.norm(T[:3, 3])), 1e-6)
        eye = T[:3, 3] + self.stage.centre
        target = eye - T[:3, 2] * reach
        fov = float(np.clip(self.scene.camera.get_field_of_view(), 1, 150))
        return ViewCamera(tuple(eye), tuple(target), tuple(T[:3, 1]), fov)

    def refresh(
        self, state: WindowState, trees: Mapping[str, Octree], pixels: float, camera: ViewCamera, budget: int
    ) -> list[Legend]:
        """Make the view hold what the state says; return the legends of what is shown.

        Layers that have an octree follow cube by cube, as `step` is called.
        """
        shown = {la.name: la for la in state.scene.visible_layers if self.shows(la.name)}
        for name in set(self._drawn) - set(shown):
            self._show(name, False)
        for name in set(self._chunks) - set(shown):
            self._chunks[name][2].show(False)
        large = [name for name in shown if name in trees]
        legends = []
        for name, layer in shown.items():
            layer = state.recolored_layer(layer)
            if name in trees:
                assert isinstance(layer, PointLayer)
                legend = self._aim(layer, state, trees[name], pixels, camera, budget // len(large))
            else:
                legend = self._draw(layer, state, pixels)
            legends += [legend] if legend is not None else []
        return legends

    def _draw(self, layer: Layer, state: WindowState, pixels: float) -> Legend | None:
        is_points = isinstance(layer, PointLayer)
        key = (getattr(layer, "color_by", ""), state.clip, pixels if is_points else 0)
        old = self._drawn.get(layer.name)
        if old is not None and old.key == key and _geometry(old.layer) is _geometry(layer):
            self._show(layer.name, True)
            return old.legend
        cut = state.cut(self.stage.box)
        part = layer if cut is None else clipped(layer, cut)
        wide = pixels * self._widening(layer) if isinstance(layer, PointLayer) else pixels
        geometry, material, legend = to_open3d(part, self.stage.centre, self.stage.up, wide)
        if old is not None and not old.is_empty:
            self.scene.remove_geometry(layer.name)
        if geometry is not None:
            self.scene.add_geometry(layer.name, geometry, material)
        self._drawn[layer.name] = _Drawn(key, layer, legend, geometry is None)
        return legend

    def _widening(self, layer: PointLayer) -> float:
        """How much larger than usual the points of a sparse cloud are drawn, so that they close to a surface."""
        spacing = typical_spacing(thinned_cloud(layer.cloud, FIRST_POINTS).points, 5000)
        return float(np.clip(2 * spacing * self.stage.pixels_per_metre / _USUAL_PIXELS, 1, _WIDEST))

    def _aim(
        self, layer: PointLayer, state: WindowState, tree: Octree, pixels: float, camera: ViewCamera, budget: int
    ) -> Legend | None:
        key = (layer.color_by, state.clip, pixels)
        known = self._chunks.get(layer.name)
        if known is None or known[2].tree is not tree:
            if known is not None:
                known[2].remove()
            chunks = Chunks(self.scene, layer.name, tree, self.stage.centre, self.stage.up)
            # What was drawn of the layer before stays until its cubes are there.
            self._to_drop |= {layer.name} & set(self._drawn)
        else:
            chunks = known[2]
            chunks.show(True)
        is_same = known is not None and known[0] == key and known[1].layer.cloud is layer.cloud
        if known and is_same:
            look = known[1]
        else:
            wide = point_material(pixels * self._widening(layer))
            look = Look(layer, state.cut(self.stage.box), point_material(pixels), wide)
        self._chunks[layer.name] = (key, look, chunks)
        return chunks.aim(tree.wanted(camera, self.size, budget), look)

    def _show(self, name: str, is_visible: bool) -> None:
        if not self._drawn[name].is_empty:
            self.scene.show_geometry(name, is_visible)

    def move(self, is_moving: bool) -> None:
        """Draw large clouds coarsely while the camera moves, and fully again."""
        for _, _, chunks in self._chunks.values():
            chunks.move(is_moving)

    def step(self) -> bool:
        """Draw one more cube; False if all are drawn."""
        if any(chunks.step() for _, _, chunks in self._chunks.values()):
            return True
        for name in self._to_drop:
            if not self._drawn.pop(name).is_empty:
                self.scene.remove_geometry(name)
        is_done = not self._to_drop
        self._to_drop = set()
        return not is_done

    def drawn_points(self) -> dict[str, PointCloud]:
        """Of layers with an octree, the points that are drawn now."""
        return {name: chunks.drawn for name, (_, _, chunks) in self._chunks.items()}


def _geometry(layer: Layer) -> Any:
    return getattr(layer, "cloud", None) or getattr(layer, "mesh", None) or getattr(layer, "segments", None)
