"""Data types that every room shares.  They hold numpy arrays, check their shapes, and import nothing heavy."""

from geo3d.types.camera import PinholeCamera as PinholeCamera
from geo3d.types.checks import as_points as as_points
from geo3d.types.checks import as_transform as as_transform
from geo3d.types.mesh import TriangleMesh as TriangleMesh
from geo3d.types.point_cloud import PointCloud as PointCloud
from geo3d.types.rgbd import RGBDFrame as RGBDFrame
from geo3d.types.trajectory import Trajectory as Trajectory
from geo3d.types.trajectory import absolute_trajectory_error as absolute_trajectory_error
from geo3d.types.trajectory import rigid_alignment as rigid_alignment
