"""To and from Open3D's legacy geometry."""

from __future__ import annotations

from typing import Any

import numpy as np

from geo3d.errors import ShapeError
from geo3d.types import PointCloud, RGBDFrame, TriangleMesh


def to_open3d(geometry: PointCloud | TriangleMesh) -> Any:
    """Return Open3D's cloud or mesh; what it has no place for (attributes) is left out."""
    return geometry.to_open3d()


def from_open3d(geometry: Any) -> PointCloud | TriangleMesh:
    """Return the cloud or mesh of Open3D's `PointCloud` or `TriangleMesh`."""
    import open3d as o3d

    if isinstance(geometry, o3d.geometry.PointCloud):
        return PointCloud.from_open3d(geometry)
    if isinstance(geometry, o3d.geometry.TriangleMesh):
        return TriangleMesh.from_open3d(geometry)
    raise ShapeError(f"an Open3D PointCloud or TriangleMesh is needed, got {type(geometry).__name__}")


def to_rgbd_image(frame: RGBDFrame, max_depth: float = 10.0) -> tuple[Any, Any, Any]:
    """Return (RGBDImage in metres, PinholeCameraIntrinsic, world-to-camera [4, 4]): what TSDF integration takes.

    Colour is brought to the depth's resolution.  The pose is the identity where the frame has none.
    """
    import open3d as o3d
    from PIL import Image

    height, width = frame.depth.shape
    color = np.zeros((height, width, 3), np.uint8)
    if frame.color is not None:
        color = frame.color
        if color.shape[:2] != frame.depth.shape:
            color = np.asarray(Image.fromarray(color).resize((width, height), Image.Resampling.BILINEAR))
    image = o3d.geometry.RGBDImage.create_from_color_and_depth(
        o3d.geometry.Image(np.ascontiguousarray(color)),
        o3d.geometry.Image(np.ascontiguousarray(frame.depth)),
        depth_scale=frame.depth_scale,
        depth_trunc=max_depth,
        convert_rgb_to_intensity=False,
    )
    T_world_camera = np.eye(4) if frame.T_world_camera is None else frame.T_world_camera
    return image, frame.camera.to_open3d(), np.linalg.inv(T_world_camera)
