"""Depth seen from a second camera: against points that are moved and projected one by one."""

from __future__ import annotations

import numpy as np
import pytest

from geo3d.errors import ShapeError
from geo3d.ops import register_depth, unproject
from geo3d.types import PinholeCamera, RGBDFrame


def test_every_depth_is_that_of_a_point_that_was_measured() -> None:
    from scipy.spatial.transform import Rotation

    depth_camera = PinholeCamera(80, 60, 70.0, 70.0, 39.5, 29.5, (0.1, -0.05, 0.001, 0.002))
    camera = PinholeCamera(160, 120, 150.0, 150.0, 79.5, 59.5, (-0.1, 0.02, 0.0, 0.0))
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = Rotation.from_euler("xyz", [1, -2, 3], degrees=True).as_matrix(), [0.05, 0.01, 0.0]
    u, v = np.meshgrid(np.arange(80), np.arange(60))
    steps = (1500 + 4 * u + 2 * v).astype(np.uint16)
    steps[:5] = 0
    pose = np.eye(4)
    pose[0, 3] = 2.0
    frame = RGBDFrame(steps, depth_camera, 1000.0, None, pose)
    color = np.zeros((120, 160, 3), np.uint8)
    seen = register_depth(frame, color, camera, T)
    assert seen.camera.distortion == ()
    assert seen.camera.fx == pytest.approx(70.0, rel=0.01)
    assert seen.color.shape == color.shape
    assert np.allclose(seen.T_world_camera @ T, pose)
    points, known = unproject(None, frame.depth_metres(), depth_camera)
    moved = points[known] @ T[:3, :3].T + T[:3, 3]
    rows, columns = np.nonzero(seen.depth)
    assert len(rows) > 0.6 * seen.depth.size
    z = seen.depth[rows, columns] / 1000
    there = np.column_stack(
        [(columns - seen.camera.cx) / seen.camera.fx * z, (rows - seen.camera.cy) / seen.camera.fy * z, z]
    )
    from scipy.spatial import cKDTree

    distance = cKDTree(moved).query(there)[0]
    # Half a pixel of the grid, at 1.5 to 2 m.
    assert distance.max() < 0.75 * np.sqrt(2) * 2 / 70


def test_colour_and_its_camera_must_fit() -> None:
    camera = PinholeCamera(4, 3, 3.0, 3.0, 1.5, 1.0)
    frame = RGBDFrame(np.ones((3, 4), np.uint16), camera)
    with pytest.raises(ShapeError, match="camera"):
        register_depth(frame, np.zeros((4, 4, 3), np.uint8), camera, np.eye(4))
