"""Meshes to files, by trimesh, atomically."""

from __future__ import annotations

from pathlib import Path

from geo3d.errors import FormatError
from geo3d.io.atomic import atomic_path
from geo3d.types import TriangleMesh

MESH_SUFFIXES = (".ply", ".obj", ".stl", ".off", ".glb")


def check_mesh_path(path: Path) -> None:
    """Refuse a name that `write_mesh` could not write, before any work is done."""
    if path.suffix.lower() not in MESH_SUFFIXES:
        raise FormatError(f"cannot write a mesh to {path}: its name must end in one of {', '.join(MESH_SUFFIXES)}")
    if path.is_dir() or not path.resolve().parent.is_dir():
        raise FormatError(f"cannot write {path}: it is a folder, or its folder does not exist")


def write_mesh(path: Path, mesh: TriangleMesh) -> None:
    """Write a mesh in the format that the suffix names."""
    check_mesh_path(path)
    with atomic_path(path) as temporary:
        mesh.to_trimesh().export(temporary, file_type=path.suffix.lower()[1:])
