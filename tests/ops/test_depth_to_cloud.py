import numpy as np
import pytest

from geo3d.errors import ShapeError
from geo3d.ops import depth_to_cloud
from geo3d.types import PinholeCamera, RGBDFrame

CAMERA = PinholeCamera(8, 6, 10.0, 10.0, 3.5, 2.5)


def frame(**changes):
    depth = np.full((6, 8), 2000, dtype=np.uint16)
    depth[0, 0] = 0
    color = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
    return RGBDFrame(**{"depth": depth, "camera": CAMERA, "color": color, **changes})


def test_plane_at_two_metres():
    cloud = depth_to_cloud(frame())
    assert len(cloud) == 47
    assert (cloud.points[:, 2] == 2).all()
    np.testing.assert_allclose(cloud.points[0], [(1 - 3.5) / 5, -2.5 / 5, 2])
    np.testing.assert_array_equal(cloud.colors, frame().color.reshape(-1, 3)[1:])


def test_larger_colour_image_is_averaged_down():
    color = np.repeat(np.repeat(frame().color, 2, axis=0), 2, axis=1)
    np.testing.assert_array_equal(depth_to_cloud(frame(color=color)).colors, depth_to_cloud(frame()).colors)


def test_world_needs_a_pose_and_uses_it():
    with pytest.raises(ShapeError, match="no pose"):
        depth_to_cloud(frame(), world=True)
    T = np.eye(4)
    T[:3, 3] = [1, 2, 3]
    moved = depth_to_cloud(frame(T_world_camera=T), world=True)
    np.testing.assert_allclose(moved.points, depth_to_cloud(frame()).points + np.array([1, 2, 3]))


def test_max_depth_stride_and_no_colour():
    assert len(depth_to_cloud(frame(), max_depth=1.0)) == 0
    cloud = depth_to_cloud(frame(color=None), stride=2)
    assert cloud.colors is None
    assert len(cloud) == 11
