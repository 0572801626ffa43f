"""Open3D's window toolkit, imported without what only its web plots need."""

from __future__ import annotations

import contextlib
import importlib
import sys
import threading
from types import ModuleType
from typing import Any

from geo3d.errors import DisplayError
from geo3d_viewer.desktop.display import require_display

_PLOTS = "open3d.visualization.draw_plotly"
_NAMES = ("get_plotly_fig", "draw_plotly", "draw_plotly_server")


def import_toolkit() -> tuple[Any, Any]:
    """Return Open3D's `gui` and `rendering`.

    Importing Open3D imports dash, for three functions that draw into notebooks; that is half of the time it takes.
    Here they import it when they are called.
    """
    if "open3d" not in sys.modules:
        sys.modules[_PLOTS] = _plots_when_called()
    from open3d.visualization import gui, rendering

    return gui, rendering


def begin_import() -> None:
    """Import the toolkit in another thread where a window can be opened, while this one reads what it is to show."""
    try:
        require_display()
    except DisplayError:
        # Whoever opens the window says so.
        return
    # No daemon: a program that ends with an error meanwhile waits for it.
    threading.Thread(target=_import_early).start()


def _import_early() -> None:
    # Who needs it imports it again, and is told what is wrong.
    with contextlib.suppress(Exception):
        import_toolkit()


def _plots_when_called() -> ModuleType:
    module = ModuleType(_PLOTS)

    def called(name: str) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            if sys.modules.get(_PLOTS) is module:
                del sys.modules[_PLOTS]
            return getattr(importlib.import_module(_PLOTS), name)(*arguments, **named)

        return call

    for name in _NAMES:
        setattr(module, name, called(name))
    return module
