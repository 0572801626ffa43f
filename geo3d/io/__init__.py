"""Readers and writers, one format a file."""

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
