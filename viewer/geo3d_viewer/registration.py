"""Two clouds before and after registration, each in a colour of its own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError
from geo3d.types import TriangleMesh, as_transform
from geo3d_viewer.camera import ViewCamera
from geo3d_viewer.framing import auto_camera
from geo3d_viewer.panels import side_by_side
from geo3d_viewer.raster import render
from geo3d_viewer.scene import Layer, LineLayer, MeshLayer, PointLayer, Scene

_SOURCE, _TARGET = "#e69f00", "#0072b2"


def read_transform(path: Path) -> NDArray[np.float64]:
    """T_target_source [4, 4] of a JSON file that `geo3d register -o` wrote (or of a bare 4x4 matrix in JSON)."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        matrix = data["T_target_source"] if isinstance(data, dict) else data
        return as_transform(np.asarray(matrix, dtype=np.float64), "T_target_source")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FormatError(f"{path} holds no T_target_source of `geo3d register`: {error}") from error


def registration_scenes(source: Scene, target: Scene, T_target_source: NDArray[np.float64]) -> tuple[Scene, Scene]:
    """The scenes before and after: layers under `source/` in orange, under `target/` in blue."""
    goal = [_colored(la, "target", _TARGET) for la in target.layers]
    start = [_colored(la, "source", _SOURCE) for la in source.layers]
    moved = [_moved(la, T_target_source) for la in start]
    up = target.up
    return Scene((*start, *goal), up=up, title="before"), Scene((*moved, *goal), up=up, title="after")


def registration_picture(
    before: Scene, after: Scene, size: tuple[int, int], camera: Literal["auto"] | ViewCamera = "auto"
) -> tuple[NDArray[np.uint8], ViewCamera]:
    """Before and after side by side; each panel is `size`.  A given camera is that of both; it is returned."""
    seen, up = auto_camera(after, size)
    if camera != "auto":
        seen = camera
    first = auto_camera(before, size)[0] if camera == "auto" else seen
    images = [render(s, c, size, up=up).color for s, c in ((before, first), (after, seen))]
    return side_by_side(images, ["before", "after"]), seen


def _colored(layer: Layer, group: str, color: str) -> Layer:
    name = f"{group}/{layer.name}"
    return replace(layer, name=name) if isinstance(layer, LineLayer) else replace(layer, name=name, color_by=color)


def _moved(layer: Layer, T: NDArray[np.float64]) -> Layer:
    R, t = T[:3, :3], T[:3, 3]
    if isinstance(layer, PointLayer):
        return replace(layer, cloud=layer.cloud.transformed(T))
    if isinstance(layer, MeshLayer):
        mesh = layer.mesh
        return replace(layer, mesh=TriangleMesh(mesh.vertices @ R.T + t, mesh.faces, mesh.vertex_colors))
    return replace(layer, segments=layer.segments @ R.T + t)
