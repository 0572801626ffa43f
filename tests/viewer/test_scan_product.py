"""The picture that a scan leaves behind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from geo3d_viewer.scan_product import write
from geo3d_viewer.scan_scene import scan_scene
from PIL import Image

from geo3d.errors import ShapeError
from geo3d.scan.result import FrameStatus, ScanResult
from geo3d.types import PinholeCamera, PointCloud, Trajectory, TriangleMesh


def result_of(mesh: TriangleMesh, cloud: PointCloud) -> ScanResult:
    T = np.tile(np.eye(4), (3, 1, 1))
    T[:, 0, 3] = [-0.2, 0, 0.2]
    frames = tuple(FrameStatus(f"frame-{i}", "posed") for i in range(3))
    camera = PinholeCamera(64, 48, 60.0, 60.0, 31.5, 23.5)
    return ScanResult(Path("desk"), frames, np.arange(3), Trajectory(np.arange(3.0), T), camera, 1000.0, cloud, mesh)


def wall() -> TriangleMesh:
    """Two metres ahead of the cameras (y down), its front towards them; red above, blue below."""
    corners = np.array([[-1, -1, 2], [1, -1, 2], [1, 1, 2], [-1, 1, 2.0]])
    colors = np.array([[255, 0, 0], [255, 0, 0], [0, 0, 255], [0, 0, 255]], np.uint8)
    return TriangleMesh(corners, np.array([[0, 2, 1], [0, 3, 2]]), colors)


def test_upright_in_colour_and_from_the_cameras_side(tmp_path: Path) -> None:
    info = write(result_of(wall(), PointCloud(wall().vertices)), tmp_path)
    image = np.asarray(Image.open(tmp_path / "snapshot.png")).astype(int)
    assert info["snapshot"] == "snapshot.png"
    assert info["bytes"] == (tmp_path / "snapshot.png").stat().st_size
    red = np.argwhere(image[..., 0] - image[..., 2] > 60)
    blue = np.argwhere(image[..., 2] - image[..., 0] > 60)
    assert len(red) > 10_000
    assert len(blue) > 10_000
    assert red[:, 0].mean() < blue[:, 0].mean()


def test_without_a_mesh_the_cloud_is_shown() -> None:
    empty = TriangleMesh(np.zeros((0, 3)), np.zeros((0, 3), np.int32))
    scene = scan_scene(result_of(empty, PointCloud(wall().vertices)))
    assert [la.name for la in scene.visible_layers] == ["scan/cloud", "camera/path", "camera/cameras"]


def test_nothing_fused_is_said_so(tmp_path: Path) -> None:
    empty = TriangleMesh(np.zeros((0, 3)), np.zeros((0, 3), np.int32))
    with pytest.raises(ShapeError, match="fused no surface"):
        write(result_of(empty, PointCloud(np.zeros((0, 3)))), tmp_path)
    assert not any(tmp_path.iterdir())
