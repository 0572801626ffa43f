"""Every room of the codecs can be entered first: none leans on another having been imported before."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import geo3d_compression
import pytest

ROOMS = [m.name for m in pkgutil.iter_modules(geo3d_compression.__path__) if m.ispkg]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_imported_alone(room: str) -> None:
    command = [sys.executable, "-c", f"import geo3d_compression.{room}"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
