"""Geometry operations on numpy arrays and torch tensors: the same function for both, results in the kind given."""

from geo3d.ops.depth_to_cloud import depth_to_cloud as depth_to_cloud
from geo3d.ops.morton import morton_decode as morton_decode
from geo3d.ops.morton import morton_encode as morton_encode
from geo3d.ops.neighbours import knn as knn
from geo3d.ops.neighbours import radius_search as radius_search
from geo3d.ops.normals import estimate_normals as estimate_normals
from geo3d.ops.normals import normals_from_depth as normals_from_depth
from geo3d.ops.project import Projection as Projection
from geo3d.ops.project import project as project
from geo3d.ops.unproject import Unprojection as Unprojection
from geo3d.ops.unproject import pixel_grid as pixel_grid
from geo3d.ops.unproject import unproject as unproject
from geo3d.ops.voxelize import VoxelGrid as VoxelGrid
from geo3d.ops.voxelize import pool_mean as pool_mean
from geo3d.ops.voxelize import voxelize as voxelize
