"""Open3D comes without dash, and its notebook plots work nevertheless."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("open3d")

CODE = """
import sys
from geo3d_viewer.desktop.toolkit import import_toolkit
gui, rendering = import_toolkit()
assert gui.__name__.endswith("gui") and hasattr(rendering, "MaterialRecord")
assert "dash" not in sys.modules
import numpy as np, open3d as o3d
cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(np.eye(3)))
figure = o3d.visualization.get_plotly_fig([cloud])
assert type(figure).__name__ == "Figure" and "dash" in sys.modules
"""


def test_dash_is_imported_when_it_is_called() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
