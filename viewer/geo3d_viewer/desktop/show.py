"""Open a window and stay until it is closed."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from geo3d.console import say
from geo3d.errors import Geo3DError
from geo3d_viewer.camera import ViewCamera
from geo3d_viewer.desktop.display import require_display
from geo3d_viewer.desktop.toolkit import import_toolkit
from geo3d_viewer.linked import View
from geo3d_viewer.lod import LARGE_CLOUD
from geo3d_viewer.octree import Octree, build_octree
from geo3d_viewer.scene import Layer, PointLayer, Scene, as_scene

if TYPE_CHECKING:
    from geo3d_viewer.desktop.window import Window


def show(
    x: object,
    size: tuple[int, int] = (1200, 800),
    camera: Literal["auto"] | ViewCamera = "auto",
    on_close: Callable[[ViewCamera], None] = lambda _camera: None,
    later: Callable[[], Iterable[Scene]] | None = None,
    views: Sequence[View] = (),
    start: ViewCamera | None = None,
) -> None:
    """Show `x` (see `as_scene`) in a window; returns when it is closed.

    Of large clouds a part is shown first; their octrees are built meanwhile, from which every part is then drawn as
    finely as its size on the screen asks for.

    later     called in another thread after the first picture; every scene that it gives, with the same layers in
              more detail, takes the place of the one before
    on_close  given the last view
    start     the first view, if it is another than `camera`, to which a key leads back
    views     (title, layer names) of several views side by side, which have one camera; none: one view of everything

    Raises `DisplayError` where there is no display, or where OpenGL is missing, with the packages that bring it.
    """
    require_display()
    scene = as_scene(x)
    gui, _ = import_toolkit()

    from geo3d_viewer.desktop.window import Window

    def details(window: Window) -> None:
        if later is not None or any(map(_is_large, scene.layers)):
            threading.Thread(target=_refine, args=(window, later or (lambda: [scene])), daemon=True).start()

    gui.Application.instance.initialize()
    window = Window(scene, size, None if camera == "auto" else camera, on_close, say, views, details, start)
    gui.Application.instance.run()
    del window


def _is_large(layer: Layer) -> bool:
    return isinstance(layer, PointLayer) and len(layer.cloud) > LARGE_CLOUD


def with_octrees(scene: Scene) -> tuple[Scene, dict[str, Octree]]:
    """The scene with large clouds in their octrees' order, and the octrees by layer name."""
    trees = {la.name: build_octree(la.cloud) for la in scene.layers if isinstance(la, PointLayer) and _is_large(la)}
    layers = (
        replace(la, cloud=trees[la.name].cloud)
        for la in scene.layers
        if isinstance(la, PointLayer) and la.name in trees
    )
    return scene.with_layers(layers), trees


def _refine(window: Window, later: Callable[[], Iterable[Scene]]) -> None:
    gui, _ = import_toolkit()
    _step_back()
    try:
        for scene, trees in map(with_octrees, later()):
            show_it = partial(window.refined, scene, trees)
            gui.Application.instance.post_to_main_thread(window.window, show_it)
    except Geo3DError as error:
        say(f"geo3d view: the details cannot be shown: {error}")


def _step_back() -> None:
    """Have this thread, which reads and sorts for seconds, leave the processor to the one that draws."""
    if sys.platform == "linux":
        # Linux knows the priority of single threads.
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
