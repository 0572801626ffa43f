"""What the window shows, as plain values: every control changes this, and everything drawn follows from it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from geo3d.types import PointCloud, TriangleMesh
from geo3d_viewer.coloring import color_choices
from geo3d_viewer.scene import Layer, LineLayer, MeshLayer, PointLayer, Scene

Box = tuple[tuple[float, float, float], tuple[float, float, float]]
WHOLE: Box = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
# Least and greatest coordinates [3] of what is shown.
Cut = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class WindowState:
    """A scene and the controls' settings.

    scene        with the layers' visibility as the check boxes have it
    color_by     for all layers that can be coloured so; the others stay as they are
    point_scale  factor on the size of points
    clip         what part of the scene's box is shown, as fractions (low, high) of each axis
    """

    scene: Scene
    color_by: str = "auto"
    point_scale: float = 1.0
    clip: Box = WHOLE

    @property
    def color_choices(self) -> list[str]:
        """All that some layer can be coloured by, `auto` first."""
        names = ["auto"]
        for geometry in map(_geometry, self.scene.layers):
            names += [c for c in (color_choices(geometry) if geometry is not None else []) if c not in names]
        return names

    def toggled(self, name: str) -> WindowState:
        """Return the state with one layer shown or hidden."""
        return replace(self, scene=self.scene.with_visible(name, not self.scene[name].visible))

    @property
    def frames(self) -> list[str]:
        """The frames of RGB-D folders and films, in order of time: the ends of their layers' names."""
        return list(dict.fromkeys(frame_of(name) for name in self.scene.names if frame_of(name)))

    def at_frame(self, number: int) -> WindowState:
        """Return the state with one frame shown (counted from 1), or with all of them (0)."""
        shown = set(self.frames if number == 0 else self.frames[number - 1 : number])
        layers = (replace(la, visible=frame_of(la.name) in shown) for la in self.scene.layers if frame_of(la.name))
        return replace(self, scene=self.scene.with_layers(layers))

    def refined(self, scene: Scene) -> WindowState:
        """Return the state with the same layers in more detail; what was hidden stays hidden."""
        shown = {la.name: la.visible for la in self.scene.layers}
        layers = tuple(replace(la, visible=shown[la.name]) for la in scene.layers if la.name in shown)
        return replace(self, scene=replace(scene, layers=layers))

    def blinked(self) -> WindowState:
        """Return the state with only the next layer of points or triangles shown; lines stay as they are."""
        solid = [la for la in self.scene.layers if not isinstance(la, LineLayer)]
        if len(solid) < 2:
            return self
        shown = [i for i, la in enumerate(solid) if la.visible]
        following = (shown[0] + 1) % len(solid) if len(shown) == 1 else 0
        return replace(
            self, scene=self.scene.with_layers(replace(la, visible=i == following) for i, la in enumerate(solid))
        )

    def recolored(self) -> WindowState:
        """Return the state coloured by the next choice."""
        choices = self.color_choices
        return replace(self, color_by=choices[(choices.index(self.color_by) + 1) % len(choices)])

    def scaled(self, factor: float) -> WindowState:
        """Return the state with larger or smaller points, a tenth to ten times the usual."""
        return replace(self, point_scale=float(np.clip(self.point_scale * factor, 0.1, 10)))

    def cut(self, box: NDArray[np.float64]) -> Cut | None:
        """The part of `box` [2, 3] that is shown; None: all of it."""
        if self.clip == WHOLE:
            return None
        low, high = (box[0] + np.asarray(f) * (box[1] - box[0]) for f in self.clip)
        return low, high

    def drawn(self, box: NDArray[np.float64]) -> Scene:
        """The scene as it is to be drawn: visible layers, recoloured, clipped to the part of `box` [2, 3]."""
        cut = self.cut(box)
        layers = (
            la if cut is None else clipped(la, cut) for la in map(self.recolored_layer, self.scene.visible_layers)
        )
        return replace(self.scene, layers=tuple(layers))

    def recolored_layer(self, layer: Layer) -> Layer:
        """The layer, coloured as chosen if it can be coloured so."""
        geometry = _geometry(layer)
        if isinstance(layer, LineLayer) or geometry is None or self.color_by not in color_choices(geometry):
            return layer
        return replace(layer, color_by=self.color_by)


def frame_of(name: str) -> str:
    """The part of a layer's name that says which frame it is; "" if it is none."""
    return name.partition("/frames/")[2]


def _geometry(layer: Layer) -> PointCloud | TriangleMesh | None:
    if isinstance(layer, PointLayer):
        return layer.cloud
    return layer.mesh if isinstance(layer, MeshLayer) else None


def clipped(layer: Layer, cut: Cut) -> Layer:
    """The part of a layer within the cut; of meshes the faces that lie in it as a whole."""
    if isinstance(layer, PointLayer):
        return replace(layer, cloud=clipped_cloud(layer.cloud, cut))
    if isinstance(layer, MeshLayer):
        return layer.of_faces(np.asarray(_inside(layer.mesh.vertices, cut)[layer.mesh.faces].all(axis=1)))
    keep = _inside(layer.segments, cut).all(axis=1)
    return replace(layer, segments=layer.segments[keep], colors=layer.colors[keep])


def clipped_cloud(cloud: PointCloud, cut: Cut) -> PointCloud:
    """The points within the cut."""
    return cloud[_inside(cloud.points, cut)]


def _inside(p: NDArray[np.float64], cut: Cut) -> NDArray[np.bool_]:
    return np.asarray(((p >= cut[0]) & (p <= cut[1])).all(axis=-1))
