"""A finished scan as a scene: the fused surface and the way of the camera."""

from __future__ import annotations

import numpy as np

from geo3d.scan.result import ScanResult
from geo3d_viewer.frusta import trajectory_layers
from geo3d_viewer.scene import Layer, MeshLayer, PointLayer, Scene


def scan_scene(result: ScanResult) -> Scene:
    """Layers `scan/mesh` (else `scan/cloud`), `camera/path` and `camera/cameras`, upright.

    The mesh shows the sides that the sensor saw: from outside a room one looks through its near walls.
    """
    surface: list[Layer] = []
    if len(result.mesh.faces):
        surface.append(MeshLayer("scan/mesh", result.mesh, two_sided=False))
    if len(result.cloud):
        surface.append(PointLayer("scan/cloud", result.cloud, visible=not surface))
    forward = result.trajectory.T_world_camera[:, :3, 2].mean(axis=0) if len(result.trajectory) else np.zeros(3)
    cameras = trajectory_layers(result.trajectory, result.camera, prefix="camera")
    # A mean of directions that is short says that the camera looked all round; then any side is as good.
    is_one_way = float(np.linalg.norm(forward)) > 0.5
    return Scene(
        (*surface, *cameras),
        up=np.asarray(result.up, dtype=np.float64),
        forward=forward if is_one_way else None,
        title=f"scan of {result.dataset.name}",
    )
