"""No display, no OpenGL: a reason and a way out, never an abort."""

from __future__ import annotations

import sys

import pytest
from geo3d_viewer.desktop import display

from geo3d.errors import DisplayError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="display checks are for Linux")


def test_without_display_the_alternatives_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(DisplayError, match=r"no display.*--snapshot.*--web"):
        display.require_display()


def test_a_dead_display_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":9876")
    with pytest.raises(DisplayError, match=r"':9876' does not answer|apt-get install"):
        display.require_display()


def test_missing_libraries_name_the_debian_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":9876")
    monkeypatch.setattr(display, "_can_load", lambda library: library != "libEGL.so.1")
    with pytest.raises(DisplayError, match="apt-get install libegl1 libgl1-mesa-dri mesa-vulkan-drivers"):
        display.require_display()
