"""What the viewer adds to a scan's output folder: `snapshot.png`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from geo3d.errors import ShapeError
from geo3d.scan.options import ProductOptions
from geo3d.scan.result import ScanResult
from geo3d_viewer.scan_scene import scan_scene
from geo3d_viewer.snapshots import snapshot


def write(result: ScanResult, folder: Path, options: ProductOptions | None = None) -> dict[str, Any]:
    """Draw the fused scene with the camera's path to `folder/snapshot.png`; return its name, bytes and camera."""
    if not len(result.mesh.faces) and not len(result.cloud):
        raise ShapeError("there is no snapshot of this scan: it fused no surface (see report.json for the frames)")
    shot = snapshot(scan_scene(result), folder / "snapshot.png", (1280, 960))
    return {
        "snapshot": shot.path.name,
        "bytes": shot.path.stat().st_size,
        "coverage": round(shot.coverage, 4),
        "camera": shot.camera.to_json(),
    }
