"""Which mesh format a file name means."""

from __future__ import annotations

from pathlib import Path

from geo3d.errors import FormatError
from geo3d.io.atomic import atomic_path
from geo3d.io.files import bare_suffix, existing_file, is_compressed
from geo3d.io.meshes.format import MeshFormat
from geo3d.io.meshes.glb import GlbMesh
from geo3d.io.meshes.obj import ObjMesh
from geo3d.io.meshes.off import OffMesh
from geo3d.io.meshes.ply import PlyMesh
from geo3d.io.meshes.stl import StlMesh
from geo3d.types import TriangleMesh

MESH_FORMATS: dict[str, MeshFormat] = {
    ".ply": PlyMesh(),
    ".obj": ObjMesh(),
    ".stl": StlMesh(),
    ".off": OffMesh(),
    ".glb": GlbMesh(),
}
_READ_PACKED = (".ply", ".stl", ".off")


def mesh_format(path: str | Path) -> MeshFormat:
    """Return the format that a file name means; an unknown suffix is a `FormatError` that lists the known ones."""
    suffix = bare_suffix(path, tuple(MESH_FORMATS))
    if suffix not in MESH_FORMATS:
        known = ", ".join(MESH_FORMATS)
        raise FormatError(f"{path}: '{suffix or 'no suffix'}' is no known mesh format (known: {known})")
    if is_compressed(path) and suffix not in _READ_PACKED:
        raise FormatError(f"{path}: only {', '.join(_READ_PACKED)} are read packed; unpack it first")
    return MESH_FORMATS[suffix]


def read_mesh(path: str | Path) -> TriangleMesh:
    """Read a triangle mesh; the format is chosen by the suffix, polygons become triangles."""
    chosen = mesh_format(path)
    return chosen.read(existing_file(path))


def write_mesh(path: str | Path, mesh: TriangleMesh) -> None:
    """Write a triangle mesh atomically; the format is chosen by the suffix."""
    chosen = mesh_format(path)
    if is_compressed(path):
        raise FormatError(f"{path}: packed meshes are only read; write {Path(path).stem} and pack it")
    with atomic_path(path) as temporary:
        chosen.write(temporary, mesh)
