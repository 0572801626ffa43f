"""Camera paths as lines."""

from __future__ import annotations

import numpy as np
from geo3d_viewer.frusta import trajectory_layers

from geo3d.types import PinholeCamera, Trajectory


def line_of_poses(n: int) -> Trajectory:
    T = np.tile(np.eye(4), (n, 1, 1))
    T[:, 0, 3] = np.arange(n)
    return Trajectory(np.arange(float(n)), T)


def test_path_joins_the_positions_and_frusta_are_few() -> None:
    path, cameras = trajectory_layers(line_of_poses(100), most_frusta=10)
    assert path.segments.shape == (99, 2, 3)
    assert np.allclose(path.segments[:, 1, 0] - path.segments[:, 0, 0], 1)
    assert len(cameras.segments) == 10 * 8
    # The first frustum sits at the first pose, the last at the last.
    assert np.allclose(cameras.segments[0, 0], [0, 0, 0])
    assert np.allclose(cameras.segments[-8, 0], [99, 0, 0])


def test_the_pyramid_passes_through_the_image_corners() -> None:
    camera = PinholeCamera(640, 480, 500.0, 510.0, 320.0, 230.0)
    _, cameras = trajectory_layers(line_of_poses(1), camera, size=2.0)
    corners = cameras.segments[:4, 1]
    assert np.allclose(corners[:, 2], 2.0)
    u = corners[:, 0] / corners[:, 2] * camera.fx + camera.cx
    v = corners[:, 1] / corners[:, 2] * camera.fy + camera.cy
    assert np.allclose(u, [-0.5, 639.5, 639.5, -0.5])
    assert np.allclose(v, [-0.5, -0.5, 479.5, 479.5])


def test_no_poses_no_layers() -> None:
    assert trajectory_layers(Trajectory(np.zeros(0), np.zeros((0, 4, 4)))) == ()
