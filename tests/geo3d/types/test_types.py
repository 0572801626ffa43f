"""Data types check their shapes, keep their dtypes, and cross to trimesh and Open3D and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from geo3d.errors import ShapeError
from geo3d.types import (
    PinholeCamera,
    PointCloud,
    RGBDFrame,
    Trajectory,
    TriangleMesh,
    absolute_trajectory_error,
    as_points,
    as_transform,
    rigid_alignment,
)


def random_cloud(n: int = 50, seed: int = 0) -> PointCloud:
    rng = np.random.default_rng(seed)
    normals = rng.normal(size=(n, 3)).astype(np.float32)
    return PointCloud(
        rng.normal(size=(n, 3)) + [500_000, 4_500_000, 100],
        rng.integers(0, 256, (n, 3), dtype=np.uint8),
        normals / np.linalg.norm(normals, axis=1, keepdims=True),
        {"time": rng.uniform(size=n), "label": rng.integers(0, 9, n).astype(np.uint16), "pair": np.zeros((n, 2))},
    )


def random_pose(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    T = np.eye(4)
    T[:3, :3] = Rotation.random(random_state=seed).as_matrix()
    T[:3, 3] = rng.normal(size=3)
    return T


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.zeros((4, 2)), r"\[N, 3\]"),
        (np.zeros(3), r"\[N, 3\]"),
        (np.zeros((4, 3), complex), "dtype"),
        (np.array([["a", "b", "c"]]), "dtype"),
        (np.array([[0, np.nan, 0], [1, 1, 1]]), "1 of 2"),
    ],
)
def test_as_points_refuses(value: np.ndarray, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        as_points(value)


def test_as_points_takes_arrays_tensors_clouds_and_meshes() -> None:
    import torch
    import trimesh

    p = np.arange(12.0).reshape(4, 3)
    assert as_points(torch.from_numpy(p)).tolist() == p.tolist()
    assert as_points(PointCloud(p)).tolist() == p.tolist()
    assert as_points(PointCloud(p).to_open3d()).tolist() == p.tolist()
    assert as_points(trimesh.PointCloud(p)).tolist() == p.tolist()
    assert as_points(p.astype(np.int16)).dtype == np.int16
    assert as_points(p.astype(np.float16)).dtype == np.float32


def test_cloud_fields_must_match_the_points() -> None:
    p = np.zeros((4, 3))
    for wrong in (
        {"colors": np.zeros((4, 3))},
        {"colors": np.zeros((3, 3), np.uint8)},
        {"normals": np.zeros((4, 2), np.float32)},
        {"attributes": {"a": np.zeros(3)}},
        {"attributes": {"a": np.array(["x"] * 4)}},
    ):
        with pytest.raises(ShapeError):
            PointCloud(p, **wrong)


def test_cloud_indexing_keeps_all_fields_together() -> None:
    cloud = random_cloud()
    pick = cloud[np.array([3, 1, 1])]
    assert len(pick) == 3
    assert pick.attributes["label"].dtype == np.uint16
    assert np.array_equal(pick.attributes["time"], cloud.attributes["time"][[3, 1, 1]])
    assert np.array_equal(pick.colors, cloud.colors[[3, 1, 1]])
    assert len(cloud[7]) == 1
    assert repr(pick) == "PointCloud(3 points, float64, colors, normals, time, label, pair)"


def test_centered_keeps_millimetres_at_utm_size() -> None:
    cloud = random_cloud()
    local, offset = cloud.centered()
    assert local.dtype == np.float32
    assert np.abs(local.astype(np.float64) + offset - cloud.points).max() < 1e-5


def test_finite_drops_and_counts() -> None:
    p = np.ones((5, 3))
    p[1, 2] = np.nan
    p[4, 0] = np.inf
    cloud, dropped = PointCloud(p, attributes={"i": np.arange(5)}).finite()
    assert dropped == 2
    assert cloud.attributes["i"].tolist() == [0, 2, 3]


def test_transform_moves_points_and_turns_normals() -> None:
    cloud, T = random_cloud(), random_pose(1)
    moved = cloud.transformed(T)
    back = moved.transformed(np.linalg.inv(T))
    assert np.allclose(back.points, cloud.points, atol=1e-6)
    assert np.allclose(back.normals, cloud.normals, atol=1e-5)
    assert np.allclose(np.linalg.norm(moved.normals, axis=1), 1, atol=1e-5)


def test_open3d_round_trip() -> None:
    cloud = random_cloud()
    back = PointCloud.from_open3d(cloud.to_open3d())
    assert np.array_equal(back.points, cloud.points)
    assert np.array_equal(back.colors, cloud.colors)
    assert np.allclose(back.normals, cloud.normals)


def test_concatenate_keeps_common_fields() -> None:
    a, b = random_cloud(3), PointCloud(np.zeros((2, 3)), attributes={"time": np.zeros(2)})
    joined = PointCloud.concatenate([a, b])
    assert len(joined) == 5
    assert joined.colors is None
    assert list(joined.attributes) == ["time"]


def test_mesh_checks_and_crosses_bridges() -> None:
    import trimesh

    box = trimesh.creation.box()
    mesh = TriangleMesh.from_trimesh(box)
    assert mesh.is_watertight
    assert mesh.to_trimesh().volume == pytest.approx(1)
    again = TriangleMesh.from_open3d(mesh.to_open3d())
    assert np.array_equal(again.faces, mesh.faces)
    assert not TriangleMesh(mesh.vertices, mesh.faces[:-1]).is_watertight
    with pytest.raises(ShapeError, match="vertices"):
        TriangleMesh(np.zeros((2, 3)), np.array([[0, 1, 2]]))


def test_camera_resizing_keeps_rays() -> None:
    camera = PinholeCamera(640, 480, 525.0, 520.0, 319.5, 239.5)
    half = camera.resized(320, 240)
    # The same ray hits pixel u of the full image and (u + 0.5) / 2 - 0.5 of the half one.
    u = 100.0
    assert ((u + 0.5) / 2 - 0.5 - half.cx) / half.fx == pytest.approx((u - camera.cx) / camera.fx)
    assert PinholeCamera.from_K(camera.K, 640, 480) == camera
    for wrong in ({"width": 0}, {"fx": -1.0}, {"distortion": (1.0, 2.0)}, {"cx": np.nan}):
        with pytest.raises(ShapeError):
            PinholeCamera(**{"width": 4, "height": 4, "fx": 1.0, "fy": 1.0, "cx": 0.0, "cy": 0.0, **wrong})


def test_frame_checks_sizes_and_gives_metres() -> None:
    camera = PinholeCamera(4, 3, 2.0, 2.0, 1.5, 1.0)
    frame = RGBDFrame(np.full((3, 4), 1500, np.uint16), camera)
    assert frame.depth_metres().dtype == np.float32
    assert np.allclose(frame.depth_metres(), 1.5)
    with pytest.raises(ShapeError, match="4x3"):
        RGBDFrame(np.zeros((4, 3), np.uint16), camera)
    with pytest.raises(ShapeError, match="uint16"):
        RGBDFrame(np.zeros((3, 4)), camera)


@pytest.mark.parametrize("bad", [np.eye(3), np.full((4, 4), np.nan), np.diag([1, 1, -1, 1.0]), np.diag([2, 2, 2, 1.0])])
def test_as_transform_refuses(bad: np.ndarray) -> None:
    with pytest.raises(ShapeError):
        as_transform(bad)


@given(st.integers(0, 10_000))
def test_rigid_alignment_recovers_any_motion(seed: int) -> None:
    rng = np.random.default_rng(seed)
    T = random_pose(seed)
    p = rng.normal(size=(6, 3))
    R, t = rigid_alignment(p, p @ T[:3, :3].T + T[:3, 3], rng.uniform(0.1, 1, 6))
    assert np.allclose(R, T[:3, :3], atol=1e-6)
    assert np.allclose(t, T[:3, 3], atol=1e-6)


def test_ate_ignores_the_choice_of_frame_and_measures_noise() -> None:
    rng = np.random.default_rng(0)
    T = np.stack([random_pose(i) for i in range(20)])
    truth = Trajectory(np.arange(20), T)
    moved = Trajectory(np.arange(20), random_pose(99) @ T)
    assert absolute_trajectory_error(moved, truth)[0] == pytest.approx(0, abs=1e-9)
    assert absolute_trajectory_error(moved, truth, align=False)[0] > 0.1
    noisy = T.copy()
    noisy[:, :3, 3] += rng.normal(size=(20, 3)) * 0.01
    assert 0.005 < absolute_trajectory_error(Trajectory(np.arange(20), noisy), truth)[0] < 0.02
    with pytest.raises(ShapeError, match="same length"):
        absolute_trajectory_error(moved, Trajectory(np.arange(19), T[:19]))


def test_mesh_attributes_have_a_row_a_vertex():
    mesh = TriangleMesh(np.eye(3), np.array([[0, 1, 2]]), attributes={"quality": np.array([0.1, 0.2, 0.3])})
    assert mesh.attributes["quality"].tolist() == [0.1, 0.2, 0.3]
    with pytest.raises(ShapeError, match="attribute 'quality'"):
        TriangleMesh(np.eye(3), np.array([[0, 1, 2]]), attributes={"quality": np.array([0.1])})
