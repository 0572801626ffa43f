"""From a cloud as it came to what is coded: checked, on a grid, duplicates settled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import ShapeError
from geo3d.ops.voxelize import unique_voxels
from geo3d.types import PointCloud
from geo3d_compression.attributes.integers import from_ordered, to_ordered
from geo3d_compression.cloud.grid import Grid, choose_grid, exact_grid, grid_of_cell, largest_error
from geo3d_compression.cloud.options import CloudOptions
from geo3d_compression.cloud.surface import is_dense, scale_of_quality
from geo3d_compression.upsample.lattice import UNIT, widest


@dataclass(frozen=True, eq=False)
class Prepared:
    """A cloud whose points are cells `indices` [N, 3] of `grid`.

    deltas  [N, 3] int64, what `--lossless` adds to the cells' centres in steps of the last bit; None if nothing
    error   the farthest that a decoded coordinate can be from the input's nearest, along an axis
    scale   edge of the coded cells in sixteenths of the grid's: 16 is exact geometry
    """

    cloud: PointCloud
    grid: Grid
    indices: NDArray[np.int64]
    deltas: NDArray[np.int64] | None
    error: float
    scale: int = UNIT


def prepare(cloud: PointCloud, options: CloudOptions) -> Prepared:
    """Check a cloud and put it on the grid that the options ask for."""
    if not len(cloud):
        raise ShapeError("the cloud is empty: there is nothing to compress")
    points = cloud.points
    if points.dtype.kind == "f":
        bad = int((~np.isfinite(points)).any(axis=1).sum())
        if bad:
            raise ShapeError(
                f"{bad} of {len(points)} points have NaN or infinite coordinates; drop them first "
                "(PointCloud.finite, or `geo3d convert`)"
            )
    elif points.dtype == np.uint64 and points.max(initial=0) >= 1 << 63:
        raise ShapeError("unsigned coordinates of 2^63 and more cannot be coded; subtract an offset first")
    if options.lossless:
        return _lossless(cloud, options)
    grid = choose_grid(points, options.grid, options.bits)
    indices = grid.indices(points)
    error = largest_error(grid, points, indices)
    scale = coded_scale(cloud, indices, options)
    if options.duplicates == "merge" or scale > UNIT:
        cloud, indices = merge(cloud, indices)
    return Prepared(cloud, grid, indices, None, error + (widest(scale) - 1) * grid.step, scale)


def coded_scale(cloud: PointCloud, indices: NDArray[np.int64], options: CloudOptions) -> int:
    """Edge of the cells that are coded, in sixteenths of a voxel; more than 16 where the geometry may be lossy."""
    if options.quality is None or not options.may_lose_geometry(cloud.colors is not None):
        return UNIT
    return scale_of_quality(options.quality) if options.geometry == "lossy" or is_dense(indices) else UNIT


def _lossless(cloud: PointCloud, options: CloudOptions) -> Prepared:
    points = cloud.points
    exact = exact_grid(points)
    if exact is not None:
        return Prepared(cloud, exact, exact.indices(points), None, 0.0)
    # A cell that holds about one point: finer octree levels would code noise bit by bit.
    side = float((points.max(axis=0).astype(np.float64) - points.min(axis=0).astype(np.float64)).max())
    bits = min(18, max(4, len(points).bit_length() // 2 + 4))
    cell = options.grid or side / (2 ** (options.bits or bits) - 1) or 1.0
    grid = replace(grid_of_cell(points, cell), dtype=points.dtype.name)
    indices = grid.indices(points)
    deltas = to_ordered(points.reshape(-1)) - to_ordered(grid.points(indices).reshape(-1))
    return Prepared(cloud, grid, indices, deltas.reshape(-1, 3), 0.0)


def refine(centres: NDArray[Any], deltas: NDArray[np.int64]) -> NDArray[Any]:
    """Exact coordinates [N, 3] from the cells' centres and what `Prepared.deltas` says."""
    return from_ordered(to_ordered(centres.reshape(-1)) + deltas.reshape(-1), centres.dtype).reshape(-1, 3)


def merge(cloud: PointCloud, indices: NDArray[np.int64]) -> tuple[PointCloud, NDArray[np.int64]]:
    """One point a voxel: the mean of the colours, everything else from the first point in input order."""
    voxels, inverse, counts = unique_voxels(indices)
    if len(voxels) == len(indices):
        return cloud, indices
    # Reversed, so that the first point is written last.
    first = np.zeros(len(voxels), np.int64)
    first[inverse[::-1]] = np.arange(len(indices) - 1, -1, -1)
    merged = cloud[first]
    if cloud.colors is not None:
        sums = np.stack([np.bincount(inverse, cloud.colors[:, k], len(voxels)) for k in range(3)], axis=1)
        merged = replace(merged, colors=np.rint(sums / counts[:, None]).astype(np.uint8))
    return merged, voxels
