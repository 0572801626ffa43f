"""Textured meshes: OBJ with materials and GLB, as layers whose colours come from pictures."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError, ShapeError
from geo3d.types import TriangleMesh

_LARGEST_SIDE = 8192
_LOOKED_THROUGH = 4 << 20


@dataclass(frozen=True, eq=False)
class Texture:
    """A picture and where each face takes its colours from.

    uv     [F, 3, 2] float32 of the faces' corners; (0, 0) is the picture's lower left, (1, 1) its upper right, and
           it repeats beyond
    image  [H, W, 3] uint8 RGB
    """

    uv: NDArray[np.float32]
    image: NDArray[np.uint8]

    def __post_init__(self) -> None:
        if self.uv.ndim != 3 or self.uv.shape[1:] != (3, 2) or not np.isfinite(self.uv).all():
            raise ShapeError(f"texture coordinates must be finite [F, 3, 2], got {list(self.uv.shape)}")
        if self.image.ndim != 3 or self.image.shape[2] != 3 or not self.image.size or self.image.dtype != np.uint8:
            raise ShapeError(f"a texture is uint8 [H, W, 3], got {self.image.dtype} {list(self.image.shape)}")

    def of_faces(self, keep: NDArray[Any]) -> Texture:
        """The texture of a part of the faces (index or mask)."""
        return replace(self, uv=self.uv[keep])


def may_be_textured(path: Path) -> bool:
    """True if the file is an OBJ that names materials, or a GLB with pictures."""
    suffix = path.suffix.lower()
    if suffix not in (".obj", ".glb"):
        return False
    with path.open("rb") as file:
        start = file.read(_LOOKED_THROUGH)
    return b"mtllib" in start if suffix == ".obj" else b'"images"' in start


def read_textured(path: Path) -> list[tuple[str, TriangleMesh, Texture | None]]:
    """The meshes of an OBJ or GLB file, in the file's coordinates: name, mesh (with the texture's colours at its
    vertices, where it has one), texture.

    Raises `FormatError` if the file cannot be read.
    """
    import trimesh

    logging.getLogger("trimesh").setLevel(logging.CRITICAL)
    try:
        scene = trimesh.load_scene(str(path), process=False)
        found = []
        for node in sorted(scene.graph.nodes_geometry):
            T, name = scene.graph[node]
            part = scene.geometry[name]
            if hasattr(part, "faces") and len(part.faces):
                mesh = TriangleMesh.from_trimesh(part.copy().apply_transform(T))
                found.append((str(node), mesh, _texture(part)))
    except (FormatError, ShapeError):
        raise
    # Its parsers raise whatever a bad file leads to.
    except Exception as error:
        raise FormatError(f"{path}: the textured mesh cannot be read ({type(error).__name__}: {error})") from error
    return found


def _texture(part: Any) -> Texture | None:
    visual = part.visual
    uv = getattr(visual, "uv", None)
    if visual.kind != "texture" or uv is None or len(uv) != len(part.vertices):
        return None
    material = visual.material
    image = getattr(material, "baseColorTexture", None) or getattr(material, "image", None)
    if image is None:
        return None
    if max(image.size) > _LARGEST_SIDE:
        image = image.copy()
        image.thumbnail((_LARGEST_SIDE, _LARGEST_SIDE))
    pixels = np.asarray(image.convert("RGB"))
    if (pixels == pixels[0, 0]).all():
        # One colour, as readers make it up for missing pictures; the vertices have it too.
        return None
    factor = getattr(material, "baseColorFactor", None)
    if factor is not None:
        f = np.asarray(factor, dtype=np.float64)[:3]
        f = f / 255 if np.asarray(factor).dtype.kind in "iu" else f
        pixels = np.rint(pixels * f.clip(0, 1)).astype(np.uint8)
    corners = np.nan_to_num(np.asarray(uv, dtype=np.float32)[:, :2])[np.asarray(part.faces)]
    return Texture(corners, np.ascontiguousarray(pixels))


def reduced(image: NDArray[np.uint8], times: float) -> NDArray[np.uint8]:
    """The picture halved until it is at most `times` smaller than it was: what is far needs no more."""
    while times >= 2 and min(image.shape[:2]) >= 2:
        h, w = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
        quads = image[:h, :w].reshape(h // 2, 2, w // 2, 2, 3)
        image = np.rint(quads.mean(axis=(1, 3), dtype=np.float32)).astype(np.uint8)
        times /= 2
    return image
