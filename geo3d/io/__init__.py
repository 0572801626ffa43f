"""Readers and writers, one format a file.  Importing this package is cheap; a name below loads what it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geo3d.lazy import lazy_names

if TYPE_CHECKING:
    from geo3d.io.geometry import read_geometry as read_geometry
    from geo3d.io.meshes import MESH_FORMATS as MESH_FORMATS
    from geo3d.io.meshes import read_mesh as read_mesh
    from geo3d.io.meshes import write_mesh as write_mesh
    from geo3d.io.points import POINT_FORMATS as POINT_FORMATS
    from geo3d.io.points import read_points as read_points
    from geo3d.io.points import write_points as write_points
    from geo3d.io.rgbd import RGBD_FORMATS as RGBD_FORMATS
    from geo3d.io.rgbd import RGBDDataset as RGBDDataset
    from geo3d.io.rgbd import open_rgbd as open_rgbd
    from geo3d.io.trajectory import read_trajectory as read_trajectory
    from geo3d.io.trajectory import write_trajectory as write_trajectory

_PUBLIC = {
    "read_geometry": "geo3d.io.geometry",
    "MESH_FORMATS": "geo3d.io.meshes",
    "read_mesh": "geo3d.io.meshes",
    "write_mesh": "geo3d.io.meshes",
    "POINT_FORMATS": "geo3d.io.points",
    "read_points": "geo3d.io.points",
    "write_points": "geo3d.io.points",
    "RGBD_FORMATS": "geo3d.io.rgbd",
    "RGBDDataset": "geo3d.io.rgbd",
    "open_rgbd": "geo3d.io.rgbd",
    "read_trajectory": "geo3d.io.trajectory",
    "write_trajectory": "geo3d.io.trajectory",
}

__all__ = sorted(_PUBLIC)
__getattr__, __dir__ = lazy_names(__name__, _PUBLIC)
