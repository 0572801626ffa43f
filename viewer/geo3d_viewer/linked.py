"""Several views of one scene that have one camera."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from geo3d_viewer.camera import ViewCamera
from geo3d_viewer.framing import auto_camera
from geo3d_viewer.legend import with_legends
from geo3d_viewer.panels import side_by_side
from geo3d_viewer.raster import render
from geo3d_viewer.scene import Scene

# (title, names of layers or of what they lie under) of one of several views.
View: TypeAlias = tuple[str, tuple[str, ...]]


@dataclass(frozen=True, eq=False)
class Shown:
    """A scene and the views into it; no views: one of everything."""

    scene: Scene
    views: tuple[View, ...] = ()


def is_in(name: str, names: tuple[str, ...]) -> bool:
    """True if a layer belongs to a view of these layers; a view of none is of all."""
    return not names or any(name == n or name.startswith(n + "/") for n in names)


def seen_in(scene: Scene, names: tuple[str, ...]) -> Scene:
    """The part of a scene that a view shows."""
    return replace(scene, layers=tuple(la for la in scene.layers if is_in(la.name, names)))


def linked_picture(
    shown: Shown, size: tuple[int, int], camera: Literal["auto"] | ViewCamera = "auto"
) -> tuple[NDArray[np.uint8], ViewCamera]:
    """The views side by side, each of `size`, from one camera, which is returned."""
    automatic, up = auto_camera(shown.scene, size)
    camera = automatic if camera == "auto" else camera
    images = [with_legends(render(seen_in(shown.scene, names), camera, size, up=up)) for _, names in shown.views]
    return side_by_side(images, [title for title, _ in shown.views]), camera
