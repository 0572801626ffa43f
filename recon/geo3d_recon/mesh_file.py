"""Meshes to files, atomically."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from geo3d.errors import FormatError
from geo3d.io import write_mesh as write
from geo3d.types import TriangleMesh

MESH_SUFFIXES = (".ply", ".obj", ".stl", ".off", ".glb")
_FINE = 1e-6  # of the longest side: what rounding to single precision may cost


def check_mesh_path(path: Path) -> None:
    """Refuse a name that `write_mesh` could not write, before any work is done."""
    if path.suffix.lower() not in MESH_SUFFIXES:
        raise FormatError(f"cannot write a mesh to {path}: its name must end in one of {', '.join(MESH_SUFFIXES)}")
    if path.is_dir() or not path.resolve().parent.is_dir():
        raise FormatError(f"cannot write {path}: it is a folder, or its folder does not exist")


def numbered(path: Path, count: int) -> list[Path]:
    """The names of so many meshes: the one given, or NAME-1.ply, NAME-2.ply, ..."""
    return [path] if count == 1 else [path.with_stem(f"{path.stem}-{k}") for k in range(1, count + 1)]


def write_mesh(path: Path, mesh: TriangleMesh) -> None:
    """Write a mesh in the format that the suffix names; PLY keeps attributes.  Single precision where that does."""
    check_mesh_path(path)
    single = mesh.vertices.astype(np.float32).astype(np.float64)
    if len(single) and np.abs(single - mesh.vertices).max() <= _FINE * np.ptp(mesh.vertices, axis=0).max():
        mesh = replace(mesh, vertices=single)
    write(path, mesh)
