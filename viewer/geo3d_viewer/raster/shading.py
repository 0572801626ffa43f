"""Light: surface normals for meshes, eye-dome lighting for everything, a soft background."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_HARD_EDGE = np.cos(np.radians(38.0))
_BACKGROUND_TOP = np.array([250, 251, 253], dtype=np.float32)
_BACKGROUND_BOTTOM = np.array([214, 221, 230], dtype=np.float32)


def _face_cross(vertices: NDArray[np.float64], faces: NDArray[np.int32]) -> NDArray[np.float64]:
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return np.cross(b - a, c - a)


def _unit(v: NDArray[np.float64]) -> NDArray[np.float64]:
    length = np.linalg.norm(v, axis=-1, keepdims=True)
    return v / np.where(length > 0, length, 1)


def vertex_normals(vertices: NDArray[np.float64], faces: NDArray[np.int32]) -> NDArray[np.float64]:
    """[V, 3] area-weighted unit normals (zero where a vertex has no face)."""
    cross = _face_cross(vertices, faces)
    total = np.zeros_like(vertices, dtype=np.float64)
    for axis in range(3):
        total[:, axis] = np.bincount(faces.ravel(), weights=np.repeat(cross[:, axis], 3), minlength=len(vertices))
    return _unit(total)


def corner_normals(vertices: NDArray[np.float64], faces: NDArray[np.int32]) -> NDArray[np.float64]:
    """[F, 3, 3] unit normals of face corners: smooth over curved parts, those of the face at hard edges."""
    face = _unit(_face_cross(vertices, faces))[:, None, :]
    smooth = vertex_normals(vertices, faces)[faces]
    is_hard = (face * smooth).sum(axis=2, keepdims=True) < _HARD_EDGE
    return np.where(is_hard, face, smooth)


def lambert(
    normals: NDArray[np.float64],  # [..., 3] world
    to_eye: NDArray[np.float64],  # [..., 3] world, unit
    light: NDArray[np.float64],  # [3] world, unit, towards the light
    up: NDArray[np.float64],  # [3]
    *,
    strength: float,
) -> NDArray[np.float32]:
    """Brightness factors [...] of surfaces lit by the sky, one lamp beside the eye, and their own facing.

    Normals are turned to the eye, so that inconsistently wound meshes show no black patches.
    `strength` 1 is for plain surfaces; photographs on vertices hold light of their own and get less.
    """
    facing = np.where((normals * to_eye).sum(axis=-1) < 0, -1.0, 1.0)
    lamp = np.clip((normals @ light) * facing, 0, 1)
    sky = 0.5 + 0.5 * (normals @ up) * facing
    return (1 + strength * (0.28 + 0.62 * lamp + 0.22 * sky - 1)).astype(np.float32)


def eye_dome(depth: NDArray[np.float32], radius: int, strength: float) -> NDArray[np.float32]:
    """[H, W] brightness factors that darken pixels behind their neighbours (Boucheny 2009, eye-dome lighting).

    It needs depth alone, so it gives edges and relief to clouds without normals.
    """
    log = np.log2(depth, out=np.full(depth.shape, np.inf, np.float32), where=np.isfinite(depth))
    padded = np.pad(log, radius, constant_values=np.inf)
    total = np.zeros(depth.shape, dtype=np.float32)
    height, width = depth.shape
    diagonal = max(1, round(radius * 0.7))
    offsets = [(0, radius), (0, -radius), (radius, 0), (-radius, 0)]
    offsets += [(diagonal * i, diagonal * j) for i in (-1, 1) for j in (-1, 1)]
    shown = np.where(np.isfinite(log), log, 0)
    for dv, du in offsets:
        neighbour = padded[radius + dv : radius + dv + height, radius + du : radius + du + width]
        # An empty neighbour is far away and casts no shade: shown - inf = -inf.
        total += np.clip(shown - neighbour, 0, 0.05)
    return np.exp(-strength * total / len(offsets))


def background(height: int, width: int) -> NDArray[np.float32]:
    """[H, W, 3] light vertical gradient, 0..255."""
    ramp = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    row = _BACKGROUND_TOP * (1 - ramp) + _BACKGROUND_BOTTOM * ramp
    return np.broadcast_to(row, (height, width, 3))
