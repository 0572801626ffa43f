"""To and from PyTorch3D, whose cameras look along z with x to the left and y up, and multiply rows by R.

A world point X (a row) is at X R + T in the view; x_ndc = f x / z + p, positive to the left, and the picture's shorter
side spans -1 to 1.  https://pytorch3d.org/docs/cameras
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import ShapeError
from geo3d.optional import require
from geo3d.types import PinholeCamera, PointCloud, TriangleMesh
from geo3d.types.checks import as_transform

_FLIP = np.array([-1.0, -1.0, 1.0])


def view_of(T_world_camera: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """PyTorch3D's (R [3, 3], T [3]) of a camera-to-world pose with OpenCV axes."""
    T_camera_world = np.linalg.inv(as_transform(T_world_camera, "T_world_camera"))
    return T_camera_world[:3, :3].T * _FLIP, T_camera_world[:3, 3] * _FLIP


def ndc_of(camera: PinholeCamera) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(focal length [2], principal point [2]) in NDC; distortion is refused."""
    if camera.distortion:
        raise ShapeError("PyTorch3D's PerspectiveCameras have no distortion; undistort first (geo3d.ops.undistort)")
    half = min(camera.width, camera.height) / 2
    # Pixel (0, 0) is a centre here and spans 0 to 1 there.
    center = np.array([camera.cx + 0.5 - camera.width / 2, camera.cy + 0.5 - camera.height / 2])
    return np.array([camera.fx, camera.fy]) / half, -center / half


def to_cameras(camera: PinholeCamera, T_world_camera: NDArray[np.float64]) -> Any:
    """Return `PerspectiveCameras` of one view, with its image size."""
    torch = require("torch", "all", "PyTorch3D cameras")
    renderer = require("pytorch3d.renderer", "pytorch3d", "PyTorch3D cameras", "pytorch3d")
    (R, T), (focal, principal) = view_of(T_world_camera), ndc_of(camera)
    values = (torch.from_numpy(a[None].astype(np.float32)) for a in (R, T, focal, principal))
    names = ("R", "T", "focal_length", "principal_point")
    size = torch.tensor([[camera.height, camera.width]])
    return renderer.PerspectiveCameras(**dict(zip(names, values, strict=True)), image_size=size)


def to_pytorch3d(geometry: PointCloud | TriangleMesh) -> Any:
    """Return `Pointclouds` or `Meshes` of one item, float32, colours from 0 to 1 (features, or vertex texture)."""
    torch = require("torch", "all", "PyTorch3D geometry")
    structures = require("pytorch3d.structures", "pytorch3d", "PyTorch3D geometry", "pytorch3d")

    def tensor(array: Any, dtype: Any = np.float32) -> Any:
        return torch.from_numpy(np.array(array, dtype=dtype, order="C"))

    if isinstance(geometry, PointCloud):
        normals = None if geometry.normals is None else [tensor(geometry.normals)]
        features = None if geometry.colors is None else [tensor(geometry.colors / 255)]
        return structures.Pointclouds([tensor(geometry.points)], normals, features)
    textures = None
    if geometry.vertex_colors is not None:
        renderer = require("pytorch3d.renderer", "pytorch3d", "PyTorch3D geometry", "pytorch3d")
        textures = renderer.TexturesVertex([tensor(geometry.vertex_colors / 255)])
    return structures.Meshes([tensor(geometry.vertices)], [tensor(geometry.faces, np.int64)], textures)


def from_pytorch3d(geometry: Any) -> PointCloud | TriangleMesh:
    """Return the cloud or mesh of `Pointclouds` or `Meshes` with one item."""
    if len(geometry) != 1:
        raise ShapeError(f"one item is needed, got a batch of {len(geometry)}; index it first")
    if hasattr(geometry, "faces_list"):
        vertices, faces = geometry.verts_list()[0], geometry.faces_list()[0]
        textures: Any = getattr(geometry, "textures", None)
        own = textures.verts_features_list()[0] if hasattr(textures, "verts_features_list") else None
        return TriangleMesh(_array(vertices).astype(np.float64), _array(faces).astype(np.int32), _colors(own))
    normals, features = geometry.normals_list(), geometry.features_list()
    own = features[0] if features is not None and features[0].shape[1] == 3 else None
    return PointCloud(_array(geometry.points_list()[0]), _colors(own), _array(normals[0]) if normals else None)


def _array(tensor: Any) -> NDArray[Any]:
    return np.asarray(tensor.detach().cpu().numpy())


def _colors(tensor: Any | None) -> NDArray[np.uint8] | None:
    return None if tensor is None else np.rint(_array(tensor) * 255).clip(0, 255).astype(np.uint8)
