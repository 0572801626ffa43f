"""Open a window and stay until it is closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from geo3d.console import say
from geo3d_viewer.camera import ViewCamera
from geo3d_viewer.desktop.display import require_display
from geo3d_viewer.scene import as_scene


def show(
    x: Any,
    size: tuple[int, int] = (1200, 800),
    camera: Literal["auto"] | ViewCamera = "auto",
    on_close: Callable[[ViewCamera], None] = lambda _camera: None,
) -> None:
    """Show `x` (see `as_scene`) in a window; returns when it is closed.

    Raises `DisplayError` where there is no display, or where OpenGL is missing, with the packages that bring it.
    `on_close` is given the last view.
    """
    require_display()
    scene = as_scene(x)
    from open3d.visualization import gui

    from geo3d_viewer.desktop.window import Window

    gui.Application.instance.initialize()
    window = Window(scene, size, None if camera == "auto" else camera, on_close, say)
    gui.Application.instance.run()
    del window
