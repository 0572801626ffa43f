"""Can a window be opened here?  Asked before Open3D is, which ends the process when it cannot."""

from __future__ import annotations

import ctypes
import os
import sys

from geo3d.errors import DisplayError

_LIBRARIES = {"libEGL.so.1": "libegl1", "libGL.so.1": "libgl1", "libX11.so.6": "libx11-6"}
_INSTEAD = "use --snapshot OUT.png for a picture or --web for a page in the browser"


def require_display() -> None:
    """Raise `DisplayError` that says what is missing: a display, or the Debian packages of OpenGL."""
    if sys.platform != "linux":
        return
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise DisplayError(f"there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set); {_INSTEAD}")
    missing = [package for library, package in _LIBRARIES.items() if not _can_load(library)]
    if missing:
        packages = " ".join([*missing, "libgl1-mesa-dri", "mesa-vulkan-drivers"])
        raise DisplayError(f"a window needs OpenGL libraries: apt-get install {packages}; or {_INSTEAD}")
    if not os.environ.get("WAYLAND_DISPLAY") and not _x_answers():
        raise DisplayError(f"the display '{os.environ['DISPLAY']}' does not answer; {_INSTEAD}")


def _can_load(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _x_answers() -> bool:
    x11 = ctypes.CDLL("libX11.so.6")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    display = x11.XOpenDisplay(None)
    if not display:
        return False
    x11.XCloseDisplay(ctypes.c_void_p(display))
    return True
