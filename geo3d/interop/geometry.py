"""Four operations by PyTorch3D where it is there, and by what the suite has of its own where it is not.

Both ways take the same float32 inputs and give the same numbers to 1e-5; `backend` "auto" takes PyTorch3D if it can be
imported, "pytorch3d" insists on it, "builtin" never does.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import ShapeError
from geo3d.interop.pytorch3d import to_cameras, to_pytorch3d
from geo3d.ops import knn as nearest
from geo3d.optional import require
from geo3d.types import PinholeCamera, TriangleMesh, as_points
from geo3d.types.checks import as_transform

Backend: TypeAlias = Literal["auto", "pytorch3d", "builtin"]


class Raster(NamedTuple):
    """A mesh seen by a camera.

    depth  [H, W] float32, metres along the optical axis, 0 where no face is
    face   [H, W] int64, -1 where none is
    """

    depth: NDArray[np.float32]
    face: NDArray[np.int64]


def has_pytorch3d() -> bool:
    """True if PyTorch3D and its compiled part can be imported."""
    try:
        from pytorch3d import _C  # noqa: F401
    except ImportError:
        return False
    return True


def knn(queries: Any, points: Any, k: int, backend: Backend = "auto") -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """(distances [N, k], indices [N, k]) of the k nearest points [M, 3] of each query [N, 3], nearest first."""
    q, p = _single(queries), _single(points)
    if not 1 <= k <= len(p):
        raise ShapeError(f"k must be 1 to the number of points ({len(p)}), got {k}")
    if _uses_pytorch3d(backend):
        torch = require("torch", "all", "PyTorch3D")
        ops = require("pytorch3d.ops", "pytorch3d", "nearest neighbours", "pytorch3d")
        found = ops.knn_points(torch.from_numpy(q)[None], torch.from_numpy(p)[None], K=k)
        return found.dists[0].sqrt().numpy(), found.idx[0].numpy()
    distance, index = nearest(p, q, k)
    return distance.astype(np.float32), index


def chamfer(a: Any, b: Any, backend: Backend = "auto") -> float:
    """The mean squared distance from each point of a [N, 3] to the nearest of b [M, 3], plus that of b to a."""
    p, q = _single(a), _single(b)
    if _uses_pytorch3d(backend):
        torch = require("torch", "all", "PyTorch3D")
        loss = require("pytorch3d.loss", "pytorch3d", "the Chamfer distance", "pytorch3d")
        return float(loss.chamfer_distance(torch.from_numpy(p)[None], torch.from_numpy(q)[None])[0])
    there, back = knn(p, q, 1, "builtin")[0], knn(q, p, 1, "builtin")[0]
    return float((there.astype(np.float64) ** 2).mean() + (back.astype(np.float64) ** 2).mean())


def sample_surface(mesh: TriangleMesh, count: int, seed: int, backend: Backend = "auto") -> NDArray[np.float32]:
    """[count, 3] points spread over a mesh's surface by area; the same for one seed, whatever the backend."""
    torch = require("torch", "all", "sampling surfaces")
    if count < 1 or not len(mesh.faces):
        raise ShapeError(f"a surface of {len(mesh.faces)} faces cannot be sampled by {count} points")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if _uses_pytorch3d(backend):
            ops = require("pytorch3d.ops", "pytorch3d", "sampling surfaces", "pytorch3d")
            return np.asarray(ops.sample_points_from_meshes(to_pytorch3d(_bare(mesh)), count)[0].numpy())
        corners = torch.from_numpy(mesh.vertices.astype(np.float32)[mesh.faces])
        normals = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 1], dim=1)
        # The draws come in PyTorch3D's order: faces, then both coordinates at once (Osada et al. 2002, eq. 1).
        face = (normals.norm(dim=1) / 2)[None].multinomial(count, replacement=True)[0]
        u, v = torch.rand(2, 1, count)[:, 0]
        root = u.sqrt()
        weights = torch.stack([1 - root, root * (1 - v), root * v], dim=1)
        return np.asarray((corners[face] * weights[..., None]).sum(dim=1).numpy())


def rasterise(
    mesh: TriangleMesh, camera: PinholeCamera, T_world_camera: NDArray[np.float64], backend: Backend = "auto"
) -> Raster:
    """What each pixel's centre sees of a mesh; `ShapeError` for cameras with distortion.

    The two backends may differ in pixels whose centre is on an edge.
    """
    if camera.distortion:
        raise ShapeError("rasterising needs a camera without distortion; undistort first (geo3d.ops.undistort)")
    if _uses_pytorch3d(backend):
        return _rasterised(mesh, camera, T_world_camera)
    import open3d as o3d

    T = as_transform(T_world_camera, "T_world_camera")
    v, u = np.mgrid[0 : camera.height, 0 : camera.width].astype(np.float64)
    d = np.stack([(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, np.ones_like(u)], axis=-1)
    # Relative to the camera: rays are in float32, and the world may be far away.
    vertices = ((mesh.vertices - T[:3, 3]) @ T[:3, :3]).astype(np.float32)
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(o3d.core.Tensor(vertices), o3d.core.Tensor(mesh.faces.astype(np.uint32)))
    rays = np.concatenate([np.zeros_like(d), d], axis=-1).astype(np.float32)
    answer = scene.cast_rays(o3d.core.Tensor(rays))
    t = answer["t_hit"].numpy()
    hit = np.isfinite(t)
    face = np.where(hit, answer["primitive_ids"].numpy().astype(np.int64), -1)
    return Raster(np.where(hit, t, 0).astype(np.float32), face)


def _rasterised(mesh: TriangleMesh, camera: PinholeCamera, T_world_camera: NDArray[np.float64]) -> Raster:
    renderer = require("pytorch3d.renderer", "pytorch3d", "rasterising", "pytorch3d")
    settings = renderer.RasterizationSettings(
        image_size=(camera.height, camera.width), blur_radius=0.0, faces_per_pixel=1, bin_size=0,
        perspective_correct=True, cull_backfaces=False,
    )  # fmt: skip
    cameras = to_cameras(camera, T_world_camera)
    fragments = renderer.MeshRasterizer(cameras, settings)(to_pytorch3d(_bare(mesh)))
    face = fragments.pix_to_face[0, ..., 0].numpy()
    depth = fragments.zbuf[0, ..., 0].numpy()
    return Raster(np.where(face >= 0, depth, 0).astype(np.float32), face.astype(np.int64))


def _uses_pytorch3d(backend: Backend) -> bool:
    return backend == "pytorch3d" or (backend == "auto" and has_pytorch3d())


def _single(points: Any) -> NDArray[np.float32]:
    """[N, 3] float32, contiguous; not empty."""
    p = np.ascontiguousarray(as_points(points), np.float32)
    if not len(p):
        raise ShapeError("there are no points")
    return p


def _bare(mesh: TriangleMesh) -> TriangleMesh:
    return TriangleMesh(mesh.vertices, mesh.faces)
