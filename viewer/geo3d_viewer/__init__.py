"""geo3d_viewer: windows, pages and snapshots of everything the suite makes.

A `Scene` of named layers says what is to be seen; `snapshot` draws it without a display, `show` opens a window.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from geo3d_viewer.camera import ViewCamera as ViewCamera
    from geo3d_viewer.desktop.show import show as show
    from geo3d_viewer.scene import LineLayer as LineLayer
    from geo3d_viewer.scene import MeshLayer as MeshLayer
    from geo3d_viewer.scene import PointLayer as PointLayer
    from geo3d_viewer.scene import Scene as Scene
    from geo3d_viewer.scene import as_scene as as_scene
    from geo3d_viewer.snapshots import Snapshot as Snapshot
    from geo3d_viewer.snapshots import picture as picture
    from geo3d_viewer.snapshots import snapshot as snapshot

_PUBLIC = {
    "LineLayer": "scene",
    "MeshLayer": "scene",
    "PointLayer": "scene",
    "Scene": "scene",
    "Snapshot": "snapshots",
    "ViewCamera": "camera",
    "as_scene": "scene",
    "picture": "snapshots",
    "show": "desktop.show",
    "snapshot": "snapshots",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(f"geo3d_viewer.{_PUBLIC[name]}"), name)
    raise AttributeError(f"module 'geo3d_viewer' has no attribute '{name}' (public names: {', '.join(__all__)})")


def __dir__() -> list[str]:
    return __all__
