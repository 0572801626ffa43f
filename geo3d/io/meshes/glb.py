"""Binary glTF, through trimesh."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np

from geo3d.errors import FormatError
from geo3d.io.files import existing_file
from geo3d.io.meshes.scene import load_with_trimesh
from geo3d.types import TriangleMesh

logger = logging.getLogger("geo3d.io")


def _check_accessors(path: Path, text: bytes, size: int) -> None:
    """An accessor without data is all zeros, as many as it says: trimesh would allocate them."""
    try:
        accessors = json.loads(text).get("accessors", [])
        counts = [a["count"] for a in accessors if "bufferView" not in a]
        too_many = any(not 0 <= int(n) <= size for n in counts)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise FormatError(f"{path}: the JSON part of the GLB is damaged ({type(error).__name__}: {error})") from error
    if too_many:
        raise FormatError(f"{path}: an accessor without data claims {max(counts)} elements in a file of {size} bytes")


class GlbMesh:
    """GLB 2.0: all meshes of the scene, in the file's axes (glTF's y is up); a texture becomes vertex colours."""

    name = "GLB"
    suffixes = (".glb",)

    def read(self, path: Path) -> TriangleMesh:
        existing_file(path)
        size = path.stat().st_size
        with path.open("rb") as stream:
            head = stream.read(20)
            text = stream.read(min(int.from_bytes(head[12:16], "little"), size))
        if head[:4] != b"glTF" or int.from_bytes(head[4:8], "little") != 2:
            raise FormatError(f"{path} does not begin as a binary glTF 2 file")
        if int.from_bytes(head[8:12], "little") != size:
            claimed = int.from_bytes(head[8:12], "little")
            raise FormatError(f"{path}: the header says {claimed} bytes, the file has {size}")
        _check_accessors(path, text, size)
        return load_with_trimesh(path, "glb")

    def write(self, path: Path, mesh: TriangleMesh) -> None:
        """Single precision: far from the origin it loses millimetres, which is logged."""
        error = float(np.abs(mesh.vertices.astype(np.float32) - mesh.vertices).max(initial=0))
        if error > 1e-4:
            logger.warning("GLB holds single precision: vertices move by up to %.2g m (PLY and OBJ keep them)", error)
        path.write_bytes(mesh.to_trimesh().export(file_type="glb"))
