"""trimesh's readers, with their failures made plain."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np

from geo3d.errors import FormatError, ShapeError
from geo3d.types import TriangleMesh


def load_with_trimesh(path: Path, kind: str, **options: Any) -> TriangleMesh:
    """Read the one mesh, or all meshes of the scene in world coordinates, joined.

    trimesh returns an empty mesh for many damaged files; a file without any face is a `FormatError` here.
    """
    import trimesh

    logging.getLogger("trimesh").setLevel(logging.CRITICAL)
    try:
        mesh = trimesh.load_mesh(str(path), file_type=kind, process=False, **options)
        if isinstance(mesh, trimesh.Scene):
            mesh = mesh.to_mesh()
        result = TriangleMesh.from_trimesh(mesh)
    except ShapeError as error:
        raise FormatError(f"{path}: {error}") from None
    # Its parsers raise whatever a bad file leads to (IndexError, KeyError, struct.error, TypeError, ...).
    except Exception as error:
        raise FormatError(f"{path} is not a whole {kind.upper()} mesh ({type(error).__name__}: {error})") from error
    if not len(result.faces):
        raise FormatError(f"{path}: no faces found; damaged, or not a {kind.upper()} mesh")
    if not np.isfinite(result.vertices).all():
        raise FormatError(f"{path}: the mesh has vertices that are not finite")
    return result
