"""Mesh files, one format a module."""

from geo3d.io.meshes.format import MeshFormat as MeshFormat
from geo3d.io.meshes.registry import MESH_FORMATS as MESH_FORMATS
from geo3d.io.meshes.registry import read_mesh as read_mesh
from geo3d.io.meshes.registry import write_mesh as write_mesh
