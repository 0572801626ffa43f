"""Open a window and stay until it is closed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from geo3d.console import say
from geo3d.errors import Geo3DError
from geo3d_viewer.camera import ViewCamera
from geo3d_viewer.desktop.display import require_display
from geo3d_viewer.scene import Scene, as_scene

if TYPE_CHECKING:
    from geo3d_viewer.desktop.window import Window


def show(
    x: Any,
    size: tuple[int, int] = (1200, 800),
    camera: Literal["auto"] | ViewCamera = "auto",
    on_close: Callable[[ViewCamera], None] = lambda _camera: None,
    later: Callable[[], Scene] | None = None,
) -> None:
    """Show `x` (see `as_scene`) in a window; returns when it is closed.

    `later` is called in another thread; the scene that it gives, with the same layers in more detail, takes the
    place of the first.

    Raises `DisplayError` where there is no display, or where OpenGL is missing, with the packages that bring it.
    `on_close` is given the last view.
    """
    require_display()
    scene = as_scene(x)
    from open3d.visualization import gui

    from geo3d_viewer.desktop.window import Window

    gui.Application.instance.initialize()
    window = Window(scene, size, None if camera == "auto" else camera, on_close, say)
    if later is not None:
        threading.Thread(target=_refine, args=(window, later), daemon=True).start()
    gui.Application.instance.run()
    del window


def _refine(window: Window, later: Callable[[], Scene]) -> None:
    from open3d.visualization import gui

    try:
        scene = later()
    except Geo3DError as error:
        say(f"geo3d view: the details cannot be shown: {error}")
        return
    gui.Application.instance.post_to_main_thread(window.window, lambda: window.refined(scene))
