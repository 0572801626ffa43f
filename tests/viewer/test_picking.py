"""A pixel's point lies on the surface and projects back to the pixel."""

from __future__ import annotations

import numpy as np
import pytest
from geo3d_viewer.camera import ViewCamera
from geo3d_viewer.picking import point_at
from geo3d_viewer.scene import LineLayer, MeshLayer, PointLayer, Scene

from geo3d.types import PointCloud, TriangleMesh

UP = np.array([0, 0, 1.0])
CAMERA = ViewCamera((0.3, -4, 0.2), (0.1, 0, 0))
SIZE = (200, 150)


def test_on_a_plane_the_ray_is_met_exactly() -> None:
    corners = np.array([[-2, 0, -2], [2, 0, -2], [2, 0, 2], [-2, 0, 2.0]])
    far = np.array([500_000.0, 4_000_000.0, 0])
    mesh = TriangleMesh(corners + far, np.array([[0, 1, 2], [0, 2, 3]]))
    camera = ViewCamera(tuple(far + CAMERA.position), tuple(far + CAMERA.target))
    point = point_at(Scene((MeshLayer("m", mesh),)), camera, SIZE, (120, 60), UP)
    assert point is not None
    assert point[1] - far[1] == pytest.approx(0, abs=1e-4)
    T = camera.T_world_camera
    p = (point - T[:3, 3]) @ T[:3, :3]
    pixel = p[:2] / p[2] * camera.focal(SIZE[1]) + [99.5, 74.5]
    # Within the reach of three pixels the nearest surface is taken.
    assert np.abs(pixel - [120, 60]).max() <= 3.01


def test_empty_places_lines_and_places_outside() -> None:
    line = LineLayer("l", np.array([[[-1, 0, 0], [1, 0, 0.0]]]), np.zeros((1, 3), np.uint8))
    assert point_at(Scene((line,)), CAMERA, SIZE, (100, 75), UP) is None
    dot = PointLayer("p", PointCloud(np.zeros((1, 3))), point_size=0.1)
    assert point_at(Scene((line, dot)), CAMERA, SIZE, (5, 5), UP) is None
    assert point_at(Scene((dot,)), CAMERA, SIZE, (900, 900), UP) is None
