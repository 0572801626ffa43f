"""Round trips, and cameras against the projection that each library documents."""

from __future__ import annotations

import json

import numpy as np
import pytest

from geo3d.errors import FormatError, MissingDependencyError, ShapeError
from geo3d.interop import open3d as to_o3d
from geo3d.interop import pytorch3d as to_p3d
from geo3d.interop import torch_geometric as to_pyg
from geo3d.interop import transforms
from geo3d.interop import trimesh as to_tri
from geo3d.ops import depth_to_cloud
from geo3d.types import PinholeCamera, PointCloud, RGBDFrame, TriangleMesh

CAMERA = PinholeCamera(64, 48, 50.0, 52.0, 30.25, 25.5)


def pose():
    from scipy.spatial.transform import Rotation

    T = np.eye(4)
    T[:3, :3] = Rotation.from_rotvec([0.3, -0.5, 0.9]).as_matrix()
    T[:3, 3] = [1, -2, 0.5]
    return T


@pytest.fixture
def cloud():
    rng = np.random.default_rng(0)
    normals = rng.normal(size=(9, 3)).astype(np.float32)
    colors = rng.integers(0, 256, (9, 3)).astype(np.uint8)
    return PointCloud(rng.normal(size=(9, 3)), colors, normals, {"label": np.arange(9, dtype=np.int64)})


@pytest.fixture
def mesh():
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]])
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.int32)
    return TriangleMesh(vertices, faces, np.arange(12, dtype=np.uint8).reshape(4, 3) * 20)


def test_torch_geometric(cloud):
    data = to_pyg.to_data(cloud)
    assert (data.num_nodes, str(data.pos.dtype)) == (9, "torch.float64")
    data.edge_index = data.label.new_zeros((2, 9))
    back = to_pyg.from_data(data)
    assert (back.points == cloud.points).all()
    assert (back.colors == cloud.colors).all()
    assert (back.normals == cloud.normals).all()
    assert (back.attributes["label"] == np.arange(9)).all()
    assert list(back.attributes) == ["label"]
    data.color = data.color.float() / 255
    assert (to_pyg.from_data(data).colors == cloud.colors).all()
    data.pos[0] = 7
    assert (cloud.points[0] != 7).all()
    with pytest.raises(ShapeError, match="rename"):
        to_pyg.to_data(PointCloud(cloud.points, attributes={"pos": np.arange(9)}))


@pytest.mark.parametrize("bridge", [(to_o3d.to_open3d, to_o3d.from_open3d), (to_tri.to_trimesh, to_tri.from_trimesh)])
def test_open3d_and_trimesh(cloud, mesh, bridge):
    there, back = bridge
    again = back(there(cloud))
    assert (again.points == cloud.points).all()
    assert (again.colors == cloud.colors).all()
    solid = back(there(mesh))
    assert (solid.vertices == mesh.vertices).all()
    assert (solid.faces == mesh.faces).all()
    assert (solid.vertex_colors == mesh.vertex_colors).all()
    with pytest.raises(ShapeError, match="needed"):
        back("nonsense")


def test_open3d_sees_the_points_that_we_see():
    import open3d as o3d

    depth = np.random.default_rng(1).integers(1000, 4000, (48, 64)).astype(np.uint16)
    frame = RGBDFrame(depth, CAMERA, 1000.0, np.zeros((96, 128, 3), np.uint8), pose())
    image, intrinsic, T_camera_world = to_o3d.to_rgbd_image(frame)
    theirs = np.asarray(o3d.geometry.PointCloud.create_from_rgbd_image(image, intrinsic, T_camera_world).points)
    ours = depth_to_cloud(frame, world=True).points
    assert np.abs(theirs - ours).max() < 1e-5


def test_transforms_round_trip_through_json():
    cameras = [CAMERA, PinholeCamera(32, 24, 20, 21, 15, 11, (0.1, 0.2, 0.01, 0.02, 0.3))]
    poses = [pose(), np.eye(4)]
    meta = json.loads(json.dumps(transforms.to_transforms(cameras, poses, ["a.png", "b.png"])))
    again, T, files = transforms.from_transforms(meta)
    assert again == cameras
    assert files == ["a.png", "b.png"]
    assert np.abs(np.stack(T) - np.stack(poses)).max() < 1e-12
    with pytest.raises(FormatError, match="frame 0"):
        transforms.from_transforms({"frames": [{"file_path": "a"}]})
    with pytest.raises(ShapeError, match="undistort"):
        transforms.to_transforms([PinholeCamera(4, 4, 1, 1, 1, 1, (0, 0, 0, 0, 0, 0.1, 0, 0))], [np.eye(4)], ["a"])


@pytest.mark.parametrize("size", [(64, 48), (48, 64)])
def test_pytorch3d_numbers_give_our_pixels(size):
    camera = PinholeCamera(*size, 50.0, 52.0, 20.25, 25.5)
    (R, T), (focal, principal) = to_p3d.view_of(pose()), to_p3d.ndc_of(camera)
    X = np.random.default_rng(2).normal(size=(20, 3)) + pose()[:3, 3] + 5 * pose()[:3, 2]
    # PyTorch3D's documented projection, its NDC (left, up) to pixel corners.
    x, y, z = (X @ R + T).T
    ndc = np.stack([focal[0] * x / z + principal[0], focal[1] * y / z + principal[1]], 1)
    theirs = np.array(size) / 2 - ndc * min(size) / 2
    seen = (np.linalg.inv(pose()) @ np.column_stack([X, np.ones(20)]).T)[:3]
    ours = np.stack([camera.fx * seen[0] / seen[2] + camera.cx, camera.fy * seen[1] / seen[2] + camera.cy], 1)
    assert np.abs(theirs - (ours + 0.5)).max() < 1e-9
    assert np.linalg.det(R) == pytest.approx(1)


def test_pytorch3d_itself(cloud, mesh):
    pytest.importorskip("pytorch3d", reason="the package 'pytorch3d' is not installed")
    assert np.abs(to_p3d.from_pytorch3d(to_p3d.to_pytorch3d(cloud)).points - cloud.points).max() < 1e-6
    assert (to_p3d.from_pytorch3d(to_p3d.to_pytorch3d(mesh)).faces == mesh.faces).all()
    X = pose()[:3, 3] + 3 * pose()[:3, 2] + 0.1
    screen = to_p3d.to_cameras(CAMERA, pose()).transform_points_screen(_tensor(X[None]))[0, :2].numpy()
    seen = np.linalg.inv(pose()) @ [*X, 1]
    assert screen == pytest.approx([50 * seen[0] / seen[2] + 30.75, 52 * seen[1] / seen[2] + 26], abs=1e-3)


def test_a_missing_pytorch3d_is_named(cloud, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pytorch3d.structures", None)
    with pytest.raises(MissingDependencyError, match="pytorch3d"):
        to_p3d.to_pytorch3d(cloud)


def _tensor(array):
    import torch

    return torch.from_numpy(array.astype(np.float32))


@pytest.mark.filterwarnings("ignore")
def test_nerfstudio_cameras_see_where_we_see():
    pytest.importorskip("nerfstudio.cameras", reason="the package 'nerfstudio' is not installed")
    import torch

    from geo3d.interop import nerfstudio as to_ns
    from geo3d.ops import unproject

    cameras = [CAMERA, PinholeCamera(32, 24, 20, 21, 15, 11, (0.05, -0.02, 0.001, 0.002, 0.003))]
    theirs = to_ns.to_cameras(cameras, [pose(), np.eye(4)])
    again, poses = to_ns.from_cameras(theirs)
    for ours, back, T, S in zip(cameras, again, [pose(), np.eye(4)], poses, strict=True):
        assert [back.fx, back.fy, back.cx, back.cy] == pytest.approx([ours.fx, ours.fy, ours.cx, ours.cy], rel=1e-6)
        assert back.distortion[:4] == pytest.approx(ours.distortion[:4], abs=1e-8)
        assert np.abs(S - T).max() < 1e-6
    # The ray through a pixel's centre, against our own unprojection, distortion included.
    for i, (camera, T) in enumerate(zip(cameras, [pose(), np.eye(4)], strict=True)):
        rays = theirs.generate_rays(i, coords=torch.tensor([[7.5, 9.5], [20.5, 3.5]]))
        depth = np.ones((camera.height, camera.width), np.float32)
        points, _ = unproject(None, depth, camera)
        for (row, column), d in zip([(7, 9), (20, 3)], rays.directions.numpy(), strict=True):
            wanted = T[:3, :3] @ points[row, column]
            assert d == pytest.approx(wanted / np.linalg.norm(wanted), abs=2e-5)
