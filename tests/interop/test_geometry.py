"""The built-in ways against closed forms; PyTorch3D's against the built-in ones, where it is installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from geo3d.errors import MissingDependencyError, ShapeError
from geo3d.interop.geometry import chamfer, has_pytorch3d, knn, rasterise, sample_surface
from geo3d.io import open_rgbd
from geo3d.scan.fusion import fuse
from geo3d.scan.options import ScanOptions
from geo3d.types import PinholeCamera, TriangleMesh

needs_pytorch3d = pytest.mark.skipif(
    not has_pytorch3d(), reason="PyTorch3D is not installed; `make test-full` runs these tests"
)


def clouds() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(300, 3)).astype(np.float32), rng.normal(size=(200, 3)).astype(np.float32) + 0.2


@pytest.fixture
def ball() -> TriangleMesh:
    import trimesh

    shape = trimesh.creation.icosphere(3)
    return TriangleMesh(np.asarray(shape.vertices) * [1, 0.7, 0.5], np.asarray(shape.faces, np.int32))


def view() -> tuple[PinholeCamera, np.ndarray]:
    from scipy.spatial.transform import Rotation

    T = np.eye(4)
    T[:3, :3] = Rotation.from_euler("xyz", [0.2, -0.4, 0.1]).as_matrix()
    T[:3, 3] = T[:3, :3] @ [0.1, -0.05, -4.0]
    return PinholeCamera(96, 64, 90.0, 95.0, 45.3, 33.1), T


def test_neighbours_and_chamfer_are_those_of_all_pairs() -> None:
    a, b = clouds()
    table = np.linalg.norm(a[:, None].astype(np.float64) - b[None], axis=2)
    distance, index = knn(a, b, 4, "builtin")
    assert np.allclose(distance, np.sort(table, axis=1)[:, :4], atol=1e-6)
    assert (index == np.argsort(table, axis=1)[:, :4]).all()
    wanted = (table.min(axis=1) ** 2).mean() + (table.min(axis=0) ** 2).mean()
    assert chamfer(a, b, "builtin") == pytest.approx(wanted, rel=1e-6)
    with pytest.raises(ShapeError, match="k must be"):
        knn(a, b, 201)
    with pytest.raises(ShapeError, match="no points"):
        chamfer(a, np.zeros((0, 3)))


def test_samples_lie_on_the_surface_by_area() -> None:
    # Two triangles, one with three times the other's area.
    v = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [5, 0, 0], [8, 0, 0], [5, 1, 0.0]])
    mesh = TriangleMesh(v, np.array([[0, 1, 2], [3, 4, 5]], np.int32))
    points = sample_surface(mesh, 4000, 1, "builtin")
    assert np.abs(points[:, 2]).max() < 1e-6
    large = points[:, 0] > 3
    assert large.mean() == pytest.approx(0.75, abs=0.03)
    assert np.allclose(points[~large].mean(axis=0)[:2], 1 / 3, atol=0.03)
    assert (points == sample_surface(mesh, 4000, 1, "builtin")).all()
    assert (points != sample_surface(mesh, 4000, 2, "builtin")).any()


def test_a_plane_has_the_depth_it_has() -> None:
    v = np.array([[-9, -9, 3], [9, -9, 3], [9, 9, 3], [-9, 9, 3.0]])
    camera = PinholeCamera(8, 6, 7.0, 7.0, 3.5, 2.5)
    seen = rasterise(TriangleMesh(v, np.array([[0, 1, 2], [0, 2, 3]], np.int32)), camera, np.eye(4), "builtin")
    assert np.allclose(seen.depth, 3)
    assert set(np.unique(seen.face)) == {0, 1}
    away = np.diag([1.0, -1, -1, 1])
    assert (rasterise(TriangleMesh(v, np.array([[0, 1, 2]], np.int32)), camera, away, "builtin").face == -1).all()


@pytest.mark.skipif(has_pytorch3d(), reason="PyTorch3D is installed")
def test_without_pytorch3d_it_is_named_where_it_is_asked_for() -> None:
    a, b = clouds()
    assert chamfer(a, b) == chamfer(a, b, "builtin")
    with pytest.raises(MissingDependencyError, match="pytorch3d"):
        chamfer(a, b, "pytorch3d")


@needs_pytorch3d
def test_pytorch3d_gives_the_same_numbers(ball: TriangleMesh) -> None:
    a, b = clouds()
    (d, i), (e, j) = knn(a, b, 5, "pytorch3d"), knn(a, b, 5, "builtin")
    assert np.abs(d - e).max() < 1e-5
    assert (i == j).all()
    assert chamfer(a, b, "pytorch3d") == pytest.approx(chamfer(a, b, "builtin"), abs=1e-5)
    assert np.abs(sample_surface(ball, 500, 3, "pytorch3d") - sample_surface(ball, 500, 3, "builtin")).max() < 1e-5


@needs_pytorch3d
def test_pytorch3d_sees_the_same_mesh(ball: TriangleMesh) -> None:
    camera, T = view()
    ours, theirs = rasterise(ball, camera, T, "builtin"), rasterise(ball, camera, T, "pytorch3d")
    covered, other = ours.face >= 0, theirs.face >= 0
    assert 800 < covered.sum() < camera.width * camera.height
    assert (covered != other).sum() <= 2  # a centre may lie on the outline
    both = covered & other
    assert np.abs(ours.depth - theirs.depth)[both].max() < 2e-5
    assert (ours.face == theirs.face)[both].mean() > 0.99


@needs_pytorch3d
def test_pytorch3d_sees_the_same_silhouettes_of_a_scan(samples: Path) -> None:
    # An open surface full of holes, seen by the cameras that it was scanned with.
    dataset = open_rgbd(samples / "box_desk")
    poses = {i: T for i in range(0, 25, 6) if (T := dataset.T_world_camera[i]) is not None}
    mesh = fuse(dataset, poses, ScanOptions()).mesh
    camera = dataset.camera.resized(160, 120)
    for T in poses.values():
        ours, theirs = rasterise(mesh, camera, T, "builtin"), rasterise(mesh, camera, T, "pytorch3d")
        covered, other = ours.face >= 0, theirs.face >= 0
        assert 0.02 < covered.mean() < 0.98
        assert (covered != other).mean() < 1e-3
        both = covered & other
        # Where an edge is seen, one may see the near and the other the far side.
        assert (np.abs(ours.depth - theirs.depth)[both] < 1e-4).mean() > 0.999
