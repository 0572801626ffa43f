"""Surface normals, of organised depth and of loose points, turned towards the viewer."""

from __future__ import annotations

from typing import Any

import numpy as np

from geo3d.errors import ShapeError
from geo3d.ops._arrays import as_array, as_float, cast, check_last, is_tensor, namespace, to_numpy
from geo3d.ops.neighbours import knn
from geo3d.ops.unproject import unproject
from geo3d.types import PinholeCamera

_CHUNK = 262144  # points whose covariances are in memory at a time


def estimate_normals(points: Any, k: int = 16, viewpoint: Any = None) -> Any:
    """Unit normals of loose points: the least principal axis of their k nearest (Hoppe et al. 1992).

    points     [N, 3], N >= 3; numpy or torch
    k          neighbours, the point itself included
    viewpoint  [3] or [N, 3]: normals face it; None leaves the sign arbitrary (largest component positive)

    Returns [N, 3] in the points' kind and float dtype; zero where the neighbours coincide.
    """
    points = as_float(check_last(as_array(points), 3, "points"))
    if len(points) < 3:
        raise ShapeError(f"normals need at least 3 points, got {len(points)}")
    if k < 3:
        raise ShapeError(f"normals need k of at least 3 neighbours, got {k}")
    xp = namespace(points)
    p = cast(points, xp.float64)
    _, index = knn(p, p, min(k, len(p)))
    parts = [_least_axis(p[index[i : i + _CHUNK]]) for i in range(0, len(p), _CHUNK)]
    return cast(_face(xp.concatenate(parts), p, viewpoint), points.dtype)


def _least_axis(patches: Any) -> Any:
    """[N, 3] least principal axes of patches [N, k, 3], zero for a patch that is a single point."""
    xp = namespace(patches)
    centred = patches - (patches.mean(1, keepdim=True) if is_tensor(patches) else patches.mean(1, keepdims=True))
    covariance = xp.swapaxes(centred, 1, 2) @ centred
    values, vectors = xp.linalg.eigh(covariance)
    return xp.where(values[:, 2:] > 0, vectors[:, :, 0], xp.zeros_like(vectors[:, :, 0]))


def _face(normals: Any, points: Any, viewpoint: Any) -> Any:
    xp = namespace(normals)
    if viewpoint is None:
        n = to_numpy(normals)
        main = np.take_along_axis(n, np.abs(n).argmax(axis=1)[:, None], axis=1)
        sign = as_array(np.where(main < 0, -1.0, 1.0), like=normals)
    else:
        sight = cast(as_array(viewpoint, like=points), xp.float64) - points
        sign = xp.where((normals * sight).sum(-1) < 0, -1.0, 1.0)[:, None]
    return normals * sign


def normals_from_depth(depth: Any, camera: PinholeCamera, edge_ratio: float = 0.05) -> Any:
    """[H, W, 3] unit normals of a depth image in the camera frame, facing the camera; 0 where unknown.

    depth       [H, W] metres, 0 = none; numpy or torch
    edge_ratio  neighbours whose depth differs by more than this part of it belong to another surface

    The normal is the cross product of the differences to horizontal and vertical neighbours: central where both lie
    on the surface, one-sided at its border.
    """
    points, valid = unproject(None, depth, camera)
    xp = namespace(points)
    z = points[..., 2]
    du = _difference(points, z, valid, 1, edge_ratio)
    dv = _difference(points, z, valid, 0, edge_ratio)
    x = du[..., 1] * dv[..., 2] - du[..., 2] * dv[..., 1]
    y = du[..., 2] * dv[..., 0] - du[..., 0] * dv[..., 2]
    w = du[..., 0] * dv[..., 1] - du[..., 1] * dv[..., 0]
    n = xp.stack([x, y, w], -1)
    length = xp.sqrt((n * n).sum(-1))
    known = length > 0
    n = n / xp.where(known, length, xp.ones_like(length))[..., None]
    towards = xp.where((n * points).sum(-1) > 0, -1.0, 1.0)[..., None]
    return cast(xp.where(known[..., None], n * towards, xp.zeros_like(n)), points.dtype)


def _difference(points: Any, z: Any, valid: Any, axis: int, edge_ratio: float) -> Any:
    """[H, W, 3] difference of points along an image axis, 0 where neither neighbour lies on the surface."""
    xp = namespace(points)
    total = xp.zeros_like(points)
    for shift, sign in ((-1, 1.0), (1, -1.0)):
        other, z_other, ok = (xp.roll(a, shift, axis) for a in (points, z, valid))
        same = ok & valid & (xp.abs(z_other - z) <= edge_ratio * z)
        # roll wraps around: the last row has no next row.
        border = [slice(None), slice(None)]
        border[axis] = slice(-1, None) if shift == -1 else slice(0, 1)
        same[tuple(border)] = False
        total = total + xp.where(same[..., None], sign * (other - points), xp.zeros_like(points))
    return total
