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
from geo3d_viewer.density import thinned, typical_spacing
from geo3d_viewer.linked import Shown, View, linked_picture
from geo3d_viewer.scene import Layer, LineLayer, MeshLayer, PointLayer, Scene, layer_points

_SOURCE, _TARGET = "#e69f00", "#0072b2"
_PAIR = np.array([0, 158, 115], dtype=np.uint8)
_MOST_PAIRS = 60


def read_transform(path: Path) -> NDArray[np.float64]:
    """T_target_source [4, 4] of a JSON file that `geo3d register -o` wrote (or of a bare 4x4 matrix in JSON)."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        matrix = data["T_target_source"] if isinstance(data, dict) else data
        return as_transform(np.asarray(matrix, dtype=np.float64), "T_target_source")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FormatError(f"{path} holds no T_target_source of `geo3d register`: {error}") from error


def registration_scenes(source: Scene, target: Scene, T_target_source: NDArray[np.float64]) -> tuple[Scene, Scene]:
    """The scenes before and after: layers under `source/` in orange, under `target/` in blue.

    Green lines in a layer `correspondences` join points of the source to the points of the target that they meet.
    """
    goal = [_colored(la, "target", _TARGET) for la in target.layers]
    start = [_colored(la, "source", _SOURCE) for la in source.layers]
    moved = [_moved(la, T_target_source) for la in start]
    p, q = correspondences(_points(source), _points(target), T_target_source)
    joined = np.stack([p, q], axis=1), np.stack([p @ T_target_source[:3, :3].T + T_target_source[:3, 3], q], axis=1)
    before, after = (LineLayer("correspondences", s, np.tile(_PAIR, (len(s), 1))) for s in joined)
    return (
        Scene((*start, *goal, before), up=target.up, forward=target.forward, title="before"),
        Scene((*moved, *goal, after), up=target.up, forward=target.forward, title="after"),
    )


def correspondences(
    source: NDArray[np.float64], target: NDArray[np.float64], T_target_source: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Up to 60 points of the source [M, 3], evenly spread, and the points of the target that they meet [M, 3].

    Two points meet if the transform brings them as near as neighbours in the target are, and each is the other's
    nearest.
    """
    from scipy.spatial import cKDTree

    if not len(source) or not len(target):
        return np.zeros((0, 3)), np.zeros((0, 3))
    moved = source @ T_target_source[:3, :3].T + T_target_source[:3, 3]
    there, back = cKDTree(target), cKDTree(moved)
    distance, index = there.query(moved)
    is_mutual = back.query(target[index])[1] == np.arange(len(moved))
    met = np.flatnonzero(is_mutual & (distance <= 2 * typical_spacing(target)))
    chosen = met[_spread(moved[met])]
    return source[chosen], target[index[chosen]]


def _spread(points: NDArray[np.float64]) -> NDArray[np.int64]:
    """The index of at most 60 points, one of each cell of the finest grid that has no more."""
    if not len(points):
        return np.zeros(0, np.int64)
    extent = float(np.ptp(points, axis=0).max()) or 1.0
    best = np.zeros(1, np.int64)
    for cells in range(1, 64):
        place = np.floor((points - points.min(axis=0)) / extent * cells).astype(np.int64)
        first = np.unique(place, axis=0, return_index=True)[1]
        if len(first) > _MOST_PAIRS:
            break
        best = first
    return best


def _points(scene: Scene) -> NDArray[np.float64]:
    """At most 20,000 points of everything solid."""
    solid = [thinned(layer_points(la), 20_000) for la in scene.layers if not isinstance(la, LineLayer)]
    return np.concatenate([np.zeros((0, 3)), *solid])


def linked_registration(before: Scene, after: Scene) -> tuple[Scene, tuple[View, ...]]:
    """One scene with the layers of both under `before/` and `after/`, and the two views into it."""
    layers = tuple(replace(la, name=f"{s.title}/{la.name}") for s in (before, after) for la in s.layers)
    shown = Scene(layers, up=after.up, forward=after.forward, title="registration")
    return shown, (("before", ("before",)), ("after", ("after",)))


def registration_picture(
    before: Scene, after: Scene, size: tuple[int, int], camera: Literal["auto"] | ViewCamera = "auto"
) -> tuple[NDArray[np.uint8], ViewCamera]:
    """Before and after side by side from one camera, which is returned; each panel is `size`."""
    shown, views = linked_registration(before, after)
    return linked_picture(Shown(shown, views), size, camera)


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
