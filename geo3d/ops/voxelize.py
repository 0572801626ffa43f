"""Points to integer voxels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from geo3d.errors import ShapeError
from geo3d.ops._arrays import as_array, as_float, cast, check_last, is_tensor, namespace, to_numpy

_LARGEST = 2**53  # beyond it a float64 coordinate over the cell no longer names one voxel


@dataclass(frozen=True, eq=False)
class VoxelGrid:
    """Occupied voxels of a cloud, each once, ordered by x, then y, then z.

    coords   [V, 3] int64; voxel i has its centre at origin + cell * coords[i]
    inverse  [N] int64, the voxel of each input point
    counts   [V] int64, how many points each voxel holds
    origin   [3] float64 numpy, the centre of voxel (0, 0, 0)
    cell     metres
    """

    coords: Any
    inverse: Any
    counts: Any
    origin: Any
    cell: float

    def centers(self) -> Any:
        """[V, 3] float64 voxel centres."""
        xp = namespace(self.coords)
        return cast(self.coords, xp.float64) * self.cell + as_array(self.origin, like=self.coords)

    def mean(self, values: Any) -> Any:
        """Mean over each voxel of per-point values [N] or [N, K] (uint8 comes back rounded to uint8)."""
        return pool_mean(values, self.inverse, len(self.counts))


def voxelize(points: Any, cell: float, origin: Any = None) -> VoxelGrid:
    """Round points to a grid: coords = round((points − origin) / cell), each occupied voxel once.

    points  [N, 3], finite; numpy or torch
    cell    edge length in the points' unit, positive
    origin  [3]; default: the least coordinate on each axis, so that coords start at 0
    """
    points = check_last(as_array(points), 3, "points")
    if points.ndim != 2:
        raise ShapeError(f"points must be [N, 3], got {list(points.shape)}")
    if not (np.isfinite(cell) and cell > 0):
        raise ShapeError(f"the cell must be a positive length, got {cell}")
    xp = namespace(points)
    p = cast(as_float(points), xp.float64)
    if not bool(xp.isfinite(p).all()):
        raise ShapeError("points hold NaN or infinite coordinates; drop them first (PointCloud.finite)")
    if origin is None:
        lowest = (p.amin(0) if is_tensor(p) else p.min(axis=0)) if len(p) else np.zeros(3)
        origin = to_numpy(lowest)
    origin = to_numpy(origin).astype(np.float64)
    scaled = (p - as_array(origin, like=p)) / cell
    if len(p) and float(xp.abs(scaled).max()) > _LARGEST:
        raise ShapeError(f"the cell {cell} is too small for this extent: more than 2^53 voxels along an axis")
    coords = cast(xp.round(scaled), xp.int64)
    unique, inverse, counts = unique_voxels(coords)
    return VoxelGrid(unique, inverse, counts, origin, float(cell))


def unique_voxels(coords: Any) -> tuple[Any, Any, Any]:
    """Distinct rows of integer [N, 3], ordered by x, y, z, with inverse [N] and counts."""
    xp = namespace(coords)
    coords = cast(coords, xp.int64)
    if not len(coords):
        return coords, xp.zeros_like(coords[:, 0]), xp.zeros_like(coords[:, 0])
    low = coords.amin(0) if is_tensor(coords) else coords.min(axis=0)
    high = coords.amax(0) if is_tensor(coords) else coords.max(axis=0)
    extent = [int(e) + 1 for e in high - low]
    if extent[0] * extent[1] * extent[2] < 2**63:
        # One integer a voxel sorts ten times faster than three.
        d = coords - low
        keys = (d[:, 0] * extent[1] + d[:, 1]) * extent[2] + d[:, 2]
        keys, inverse, counts = _unique(keys)
        rest, z = keys // extent[2], keys % extent[2]
        return xp.stack([rest // extent[1], rest % extent[1], z], -1) + low, inverse, counts
    if is_tensor(coords):
        return tuple(xp.unique(coords, dim=0, return_inverse=True, return_counts=True))
    unique, inverse, counts = np.unique(coords, axis=0, return_inverse=True, return_counts=True)
    return unique, inverse.reshape(-1), counts


def _unique(keys: Any) -> tuple[Any, Any, Any]:
    if is_tensor(keys):
        return tuple(namespace(keys).unique(keys, return_inverse=True, return_counts=True))
    unique, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    return unique, inverse.reshape(-1), counts


def pool_mean(values: Any, inverse: Any, size: int) -> Any:
    """Mean of values [N] or [N, K] over groups `inverse` [N] in 0 … size−1; differentiable for float tensors."""
    values = as_array(values, like=inverse)
    if len(values) != len(inverse):
        raise ShapeError(f"values must have one row a point ({len(inverse)}), got {list(values.shape)}")
    if is_tensor(values):
        torch = namespace(values)
        v = as_float(values)
        total = torch.zeros((size, *v.shape[1:]), dtype=v.dtype, device=v.device).index_add(0, inverse, v)
        counts = torch.bincount(inverse, minlength=size).clamp(min=1).to(v.dtype)
        mean = total / counts.reshape(-1, *(1,) * (v.ndim - 1))
        return mean.round().to(torch.uint8) if values.dtype == torch.uint8 else mean
    v = values.astype(np.float64)
    flat = v.reshape(len(v), -1)
    counts = np.maximum(np.bincount(inverse, minlength=size), 1)
    columns = [np.bincount(inverse, weights=c, minlength=size) / counts for c in flat.T]
    mean = np.stack(columns, -1).reshape(size, *v.shape[1:]) if columns else np.zeros((size, *v.shape[1:]))
    if values.dtype == np.uint8:
        return np.rint(mean).astype(np.uint8)
    return mean.astype(values.dtype) if values.dtype.kind == "f" else mean
