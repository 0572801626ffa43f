"""Up from cameras and from geometry."""

from __future__ import annotations

import numpy as np
import pytest
from geo3d_viewer import PointLayer, Scene
from geo3d_viewer.scene import MeshLayer
from geo3d_viewer.upright import refine_up, sample_surface, scene_up, up_from_cameras
from scipy.spatial.transform import Rotation

from geo3d.types import PointCloud, TriangleMesh


def degrees_between(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip(a @ b / np.linalg.norm(a) / np.linalg.norm(b), -1, 1))))


def cameras(yaws: np.ndarray, pitch_down: float, T: np.ndarray) -> np.ndarray:
    """Level cameras (world y down) turned by yaws and tilted down, seen in a world turned by T."""
    R = Rotation.from_euler("y", yaws[:, None]).as_matrix() @ Rotation.from_euler("x", -pitch_down).as_matrix()
    poses = np.tile(np.eye(4), (len(yaws), 1, 1))
    poses[:, :3, :3] = T @ R
    return poses


@pytest.mark.parametrize("seed", range(5))
def test_tilted_cameras_that_turn_show_true_up(seed: int) -> None:
    T = Rotation.random(random_state=seed).as_matrix()
    poses = cameras(np.linspace(-1, 1, 40), np.radians(30), T)
    assert degrees_between(up_from_cameras(poses), T @ [0, -1, 0]) < 3
    mean_up = -poses[:, :3, 1].mean(axis=0)
    assert degrees_between(mean_up, T @ [0, -1, 0]) > 20


def test_a_camera_that_never_turns_counts_as_level() -> None:
    poses = cameras(np.zeros(5), 0.0, np.eye(3))
    assert degrees_between(up_from_cameras(poses), np.array([0, -1, 0])) < 0.1


def box_room(R: np.ndarray) -> PointCloud:
    rng = np.random.default_rng(0)
    p = rng.uniform(-1, 1, (20_000, 3)) * [3, 2, 1.2]
    wall = rng.integers(0, 5, len(p))
    p[wall < 2, 2] = -1.2
    p[wall == 2, 0] = 3
    p[wall >= 3, 1] = 2
    return PointCloud((p + rng.normal(size=p.shape) * 0.004) @ R.T)


def test_a_rough_up_snaps_to_the_floor() -> None:
    R = Rotation.from_rotvec([0.5, 0.3, -0.2]).as_matrix()
    scene = Scene((PointLayer("room", box_room(R)),))
    rough = Rotation.from_rotvec(np.radians([14, -17, 0])).apply(R @ [0, 0, 1])
    assert degrees_between(rough, R @ [0, 0, 1]) > 18
    assert degrees_between(refine_up(rough, sample_surface(scene)[1]), R @ [0, 0, 1]) < 1.5


def test_refining_changes_nothing_without_planes() -> None:
    normals = np.random.default_rng(0).normal(size=(3000, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    up = np.array([0, 0.6, 0.8])
    assert np.array_equal(refine_up(up, normals), up)
    assert np.array_equal(refine_up(up, normals[:10]), up)


@pytest.mark.parametrize("axis", [1, 2])
def test_the_ground_decides_between_y_and_z(axis: int) -> None:
    rng = np.random.default_rng(3)
    p = rng.uniform(-10, 10, (30_000, 3))
    p[:, axis] = 0.02 * rng.normal(size=len(p))
    p[:3000] = rng.normal(size=(3000, 3))
    up = scene_up(Scene((PointLayer("ground", PointCloud(p)),)))
    assert up.tolist() == np.eye(3)[axis].tolist()


def test_a_picture_shaped_cloud_is_in_its_cameras_frame() -> None:
    rng = np.random.default_rng(0)
    z = rng.uniform(1, 3, 5000)
    uv = rng.uniform(-1, 1, (5000, 2)) * [0.55, 0.41]
    up = scene_up(Scene((PointLayer("kinect", PointCloud(np.c_[uv * z[:, None], z])),)))
    assert up.tolist() == [0, -1, 0]


def test_meshes_default_to_y_clouds_to_z() -> None:
    import trimesh

    ball = TriangleMesh.from_trimesh(trimesh.creation.icosphere(3))
    assert scene_up(Scene((MeshLayer("m", ball),))).tolist() == [0, 1, 0]
    assert scene_up(Scene((PointLayer("p", PointCloud(ball.vertices)),))).tolist() == [0, 0, 1]
    assert scene_up(Scene((), up=np.array([0, -2.0, 0]))).tolist() == [0, -1, 0]


@pytest.mark.parametrize("tilt", [0.0, 0.35])
def test_a_room_in_its_first_cameras_frame_does_not_stand_on_its_head(tilt: float) -> None:
    rng = np.random.default_rng(1)
    p = rng.uniform(-1, 1, (20_000, 3)) * [3, 1.2, 2] + [0, 0, 1]
    part = rng.integers(0, 6, len(p))
    p[part < 2, 1] = 1.2  # the floor, y down
    p[part == 2, 1] = 0.4  # a table
    p[part == 2, 0] *= 0.3
    p[(part == 3) | (part == 4), 2] = 3
    p[part == 5, 0] = -3
    R = Rotation.from_rotvec([tilt, 0, 0]).as_matrix()
    up = scene_up(Scene((PointLayer("room", PointCloud(p @ R.T)),)))
    assert degrees_between(up, R @ [0, -1, 0]) < 2
