"""How far one can see from each sample to either side of the surface: a cue for what is outside.

Every sample is a small disc across its axis.  From just above and just below it rays are cast over a half-space each:
outside they mostly leave the object or run far, inside they soon meet the opposite wall.  Thin shells and plates,
on which winding numbers are undecided, are where this tells most (the idea of Takayama et al. 2014, "A simple method
for correcting facet orientations in polygon meshes based on ray casting", on points).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_RAYS = 40  # over the half-space
_CORNERS = 6  # of a disc
_RADIUS = 0.75  # of a disc, in spacings: discs overlap a little
_START = 0.35  # spacings above the sample at which rays begin
_FARTHEST = 40.0  # spacings; farther is as good as never


def free_paths(points: Floats, axes: Floats, local: Floats, spacing: float) -> NDArray[np.float32]:
    """[N, 4]: mean log free path to the axis' side and to the other, then the shares of rays that meet nothing.

    points  [N, 3]
    axes    [N, 3] unit, across the surface, either sign
    local   [N] each sample's own spacing
    spacing the cloud's spacing, the unit of the paths
    """
    import open3d as o3d

    u, v = tangents(axes)
    scene = o3d.t.geometry.RaycastingScene(nthreads=1)
    angle = np.arange(_CORNERS) * (2 * np.pi / _CORNERS)
    radius = (_RADIUS * np.minimum(local, 2 * spacing))[:, None, None]
    circle = np.cos(angle)[None, :, None] * u[:, None] + np.sin(angle)[None, :, None] * v[:, None]
    corners = points[:, None] + radius * circle
    first = np.arange(len(points))[:, None] * _CORNERS
    fans = np.concatenate([first + np.array([[0, i, i + 1]]) for i in range(1, _CORNERS - 1)])
    scene.add_triangles(corners.reshape(-1, 3).astype(np.float32), fans.astype(np.uint32))
    directions = _half_space(_RAYS)
    weight = directions[:, 2] / directions[:, 2].sum()
    paths, escapes = [], []
    for side in (1.0, -1.0):
        frame = np.stack([u, v, side * axes], axis=1)
        rays = np.concatenate(
            [
                np.repeat((points + (side * _START * spacing) * axes)[:, None], len(directions), axis=1),
                np.einsum("rk,nkc->nrc", directions, frame),
            ],
            axis=2,
        )
        length = scene.cast_rays(rays.astype(np.float32))["t_hit"].numpy().astype(np.float64) / spacing
        paths.append(np.log(length.clip(0, _FARTHEST) + 0.65) @ weight)
        escapes.append((length > _FARTHEST) @ weight)
    return np.stack([*paths, *escapes], axis=1).astype(np.float32)


def _half_space(count: int) -> Floats:
    """[R, 3] directions spread evenly over z > 0.15."""
    i = np.arange(count) + 0.5
    z = 1 - 0.85 * i / count
    angle = np.pi * (1 + 5**0.5) * i
    r = np.sqrt(1 - z * z)
    return np.stack([r * np.cos(angle), r * np.sin(angle), z], axis=1)


def tangents(axes: Floats) -> tuple[Floats, Floats]:
    """Two unit vectors across each axis and across each other."""
    other = np.where(np.abs(axes[:, :1]) < 0.9, [[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]])
    u = np.cross(axes, other)
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    return u, np.cross(axes, u)
