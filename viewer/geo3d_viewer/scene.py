"""What is to be seen, independent of who draws it: named layers of plain data.

Layers have path-like names (`scan/mesh`, `scan/cameras`).  The offscreen rasteriser, the desktop window and the
browser page are given the same `Scene`; none of their types appear here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import Geo3DError, ShapeError
from geo3d.types import PointCloud, TriangleMesh
from geo3d_viewer.palette import Legend
from geo3d_viewer.texture import Texture


@dataclass(frozen=True, eq=False)
class PointLayer:
    """Points.

    color_by    'auto', 'rgb', 'height', 'normal', the name of an attribute, or '#rrggbb'
    point_size  diameter in metres; None: the typical distance between neighbours
    legend      what the cloud's colours stand for, where they stand for numbers
    """

    name: str
    cloud: PointCloud
    color_by: str = "auto"
    point_size: float | None = None
    visible: bool = True
    legend: Legend | None = None


@dataclass(frozen=True, eq=False)
class MeshLayer:
    """Triangles.

    color_by   'auto', 'rgb', 'height', 'normal', or '#rrggbb'
    two_sided  draw faces seen from behind too; off for scans, whose near walls would hide the room
    legend     what the vertex colours stand for, where they stand for numbers
    texture    the colours of 'auto' and 'rgb', where there is one
    """

    name: str
    mesh: TriangleMesh
    color_by: str = "auto"
    two_sided: bool = True
    visible: bool = True
    legend: Legend | None = None
    texture: Texture | None = None

    def __post_init__(self) -> None:
        if self.texture is not None and len(self.texture.uv) != len(self.mesh.faces):
            raise ShapeError(f"a texture of {len(self.texture.uv)} faces is not one of {len(self.mesh.faces)} faces")

    @property
    def shown_texture(self) -> Texture | None:
        """The texture, if the layer is coloured by it."""
        return self.texture if self.color_by in ("auto", "rgb") else None

    def of_faces(self, keep: NDArray[np.bool_]) -> MeshLayer:
        """The layer of a part of its faces, given as a mask [F]."""
        texture = None if self.texture is None else self.texture.of_faces(keep)
        return replace(self, mesh=replace(self.mesh, faces=self.mesh.faces[keep]), texture=texture)


@dataclass(frozen=True, eq=False)
class LineLayer:
    """Line segments.

    segments  [M, 2, 3] float64, metres
    colors    [M, 3] uint8 RGB
    width     pixels
    """

    name: str
    segments: NDArray[np.float64]
    colors: NDArray[np.uint8]
    width: float = 1.5
    visible: bool = True

    def __post_init__(self) -> None:
        segments = np.asarray(self.segments, dtype=np.float64)
        colors = np.asarray(self.colors)
        if segments.ndim != 3 or segments.shape[1:] != (2, 3):
            raise ShapeError(f"segments must be [M, 2, 3], got {list(segments.shape)}")
        if colors.shape != (len(segments), 3) or colors.dtype != np.uint8:
            raise ShapeError(f"colors must be uint8 [{len(segments)}, 3], got {colors.dtype} {list(colors.shape)}")
        object.__setattr__(self, "segments", segments)


Layer: TypeAlias = PointLayer | MeshLayer | LineLayer


@dataclass(frozen=True, eq=False)
class Scene:
    """Layers in drawing order, and what is known about how to look at them.

    up       [3] direction against gravity; None: guessed from the geometry (`geo3d_viewer.upright`)
    forward  [3] direction in which a sensor looked; the automatic camera looks roughly the same way
    title    one line for window and page titles
    """

    layers: tuple[Layer, ...] = ()
    up: NDArray[np.float64] | None = None
    forward: NDArray[np.float64] | None = None
    title: str = ""
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        names = [layer.name for layer in self.layers]
        repeated = sorted({n for n in names if names.count(n) > 1})
        if repeated:
            raise Geo3DError(f"layer names must differ, but these repeat: {', '.join(repeated)}")

    @property
    def names(self) -> tuple[str, ...]:
        """The layers' names in drawing order."""
        return tuple(layer.name for layer in self.layers)

    def __getitem__(self, name: str) -> Layer:
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise Geo3DError(f"no layer '{name}' (layers: {', '.join(self.names) or 'none'})")

    def with_layers(self, layers: Iterable[Layer]) -> Scene:
        """Return the scene with more layers; one with a known name takes the place of the old one."""
        merged = {layer.name: layer for layer in self.layers} | {layer.name: layer for layer in layers}
        return replace(self, layers=tuple(merged.values()))

    def with_visible(self, name: str, visible: bool) -> Scene:
        """Return the scene with the layers at or under path `name` shown or hidden."""
        if not any(_is_under(layer.name, name) for layer in self.layers):
            self[name]
        return replace(
            self,
            layers=tuple(replace(la, visible=visible) if _is_under(la.name, name) else la for la in self.layers),
        )

    @property
    def visible_layers(self) -> tuple[Layer, ...]:
        """The layers that are shown, in drawing order."""
        return tuple(layer for layer in self.layers if layer.visible)


def _is_under(name: str, path: str) -> bool:
    return name == path or name.startswith(path.rstrip("/") + "/")


def layer_points(layer: Layer) -> NDArray[Any]:
    """The [N, 3] coordinates that a layer covers."""
    if isinstance(layer, PointLayer):
        return layer.cloud.points
    if isinstance(layer, MeshLayer):
        return layer.mesh.vertices
    return layer.segments.reshape(-1, 3)


def as_scene(x: Any, name: str = "cloud") -> Scene:
    """Return a `Scene` of anything that can be looked at.

    Takes a `Scene`, a layer, a `PointCloud`, a `TriangleMesh`, a `Trajectory`, an `RGBDFrame`, an [N, 3] array,
    an Open3D or trimesh object, or a list of these.
    """
    from geo3d.types import RGBDFrame, Trajectory, as_points
    from geo3d_viewer.frusta import trajectory_layers
    from geo3d_viewer.rgbd import frame_scene

    if isinstance(x, Scene):
        return x
    if isinstance(x, PointLayer | MeshLayer | LineLayer):
        return Scene((x,))
    if isinstance(x, PointCloud):
        return Scene((PointLayer(name, x),))
    if isinstance(x, TriangleMesh):
        return Scene((MeshLayer(name, x),))
    if isinstance(x, Trajectory):
        return Scene(trajectory_layers(x))
    if isinstance(x, RGBDFrame):
        return frame_scene(x)
    if hasattr(x, "faces") and hasattr(x, "visual"):
        return Scene((MeshLayer(name, TriangleMesh.from_trimesh(x)),))
    if hasattr(x, "triangles") and hasattr(x, "vertices"):
        return Scene((MeshLayer(name, TriangleMesh.from_open3d(x)),))
    if hasattr(x, "points") and hasattr(x, "has_colors"):
        return Scene((PointLayer(name, PointCloud.from_open3d(x)),))
    if isinstance(x, list | tuple) and x and not np.isscalar(x[0]) and not isinstance(x[0], list | tuple):
        parts = [as_scene(item, f"{name}-{i}") for i, item in enumerate(x)]
        first = next((p for p in parts if p.up is not None), Scene())
        return Scene(tuple(la for p in parts for la in p.layers), up=first.up, forward=first.forward)
    return Scene((PointLayer(name, PointCloud(as_points(x, finite=False))),))
