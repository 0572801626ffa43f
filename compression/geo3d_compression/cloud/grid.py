"""The grid that coordinates are rounded to, and its choice.

A coordinate is  origin + index * cell  (or  index / divisor, which is how decimals like 0.001 become exact), with a
signed 64-bit index.  Everything is decided on float64; the result has the input's dtype where that can hold the grid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import Geo3DError, ShapeError

# Beyond it a float64 no longer names one index.
LARGEST_INDEX = 2**53
DEFAULT_BITS = 16
DEFAULT_METRES = 0.001
_DIVISORS = tuple(float(10**k) for k in range(8)) + tuple(float(2**k) for k in range(1, 31))
_SAMPLE = 4096
# An exact grid finer than this is no grid that anybody meant: nearly all float32 are binary fractions.
_EXACT_BITS = 24


@dataclass(frozen=True)
class Grid:
    """origin + index * cell, or index / divisor if `divisor` is not 0; `dtype` is that of decoded coordinates."""

    dtype: str
    cell: float
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0)
    divisor: float = 0.0

    def indices(self, points: NDArray[Any]) -> NDArray[np.int64]:
        """[N, 3] int64: the cell whose centre is nearest to each point."""
        if points.dtype.kind in "iu" and self.cell == 1 and not any(self.origin):
            return points.astype(np.int64)
        p = points.astype(np.float64)
        scaled = p * self.divisor if self.divisor else (p - np.array(self.origin)) / self.cell
        largest = float(np.abs(scaled).max(initial=0))
        if not largest < LARGEST_INDEX:
            raise Geo3DError(
                f"a grid of {self.cell:g} needs indices up to {largest:.3g} for these coordinates, at most 2^53 are "
                "possible; choose a coarser --grid"
            )
        return np.rint(scaled).astype(np.int64)

    def points(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """[N, 3] coordinates of cell centres, in the grid's dtype."""
        dtype = np.dtype(self.dtype)
        if dtype.kind in "iu" and self.cell == 1 and not any(self.origin):
            return indices.astype(dtype)
        p = self.centres(indices)
        if dtype.kind in "iu":
            limits = np.iinfo(dtype)
            return np.rint(p).clip(limits.min, limits.max).astype(dtype)
        return p.astype(dtype)

    def centres(self, indices: NDArray[Any]) -> NDArray[Any]:
        """[N, 3] float64 coordinates of indices that need not be whole."""
        if self.divisor:
            return indices / self.divisor
        return np.array(self.origin) + indices * self.cell

    def position(self, point: NDArray[Any]) -> NDArray[np.float64]:
        """[3]: where `point` lies among the indices, not rounded."""
        if self.divisor:
            return point * self.divisor
        return (point - np.array(self.origin)) / self.cell

    @property
    def step(self) -> float:
        """Edge of a cell in the unit of the coordinates."""
        return 1 / self.divisor if self.divisor else self.cell


def exact_grid(points: NDArray[Any]) -> Grid | None:
    """The first usual grid (integers, decimals, binary fractions) that holds every coordinate bit for bit, or None.

    Float grids of more than 2^24 cells a side do not count.
    """
    side = float((points.max(axis=0).astype(np.float64) - points.min(axis=0).astype(np.float64)).max())
    if points.dtype.kind in "iu":
        return Grid(points.dtype.name, 1.0)
    sample = points[:: max(1, len(points) // _SAMPLE)]
    for divisor in _DIVISORS:
        if side * divisor >= 1 << _EXACT_BITS:
            continue
        grid = Grid(points.dtype.name, 1 / divisor, divisor=divisor)
        if all(holds(grid, p) for p in (sample, points)):
            return grid
    return None


def holds(grid: Grid, points: NDArray[Any]) -> bool:
    """Whether a float grid gives every coordinate back bit for bit."""
    if float(np.abs(points).max(initial=0)) * grid.divisor >= LARGEST_INDEX:
        return False
    again = grid.points(grid.indices(points))
    # Bits, not values: -0.0 and 0.0 are different files.
    return again.tobytes() == np.ascontiguousarray(points).tobytes()


def choose_grid(points: NDArray[Any], cell: float | None, bits: int | None) -> Grid:
    """The grid for `--grid cell` or `--bits bits`; with neither, the exact one if there is one, else the default.

    The default is 2^-16 of the longest side, but never coarser than 1 mm (coordinates taken as metres).
    """
    return choose_between(points, exact_grid(points) if bits is None else None, cell, bits)


def choose_between(corners: NDArray[Any], exact: Grid | None, cell: float | None, bits: int | None) -> Grid:
    """As `choose_grid`, from the `corners` [K, 3] of the points' box and the exact grid of all of them, if any."""
    if cell is not None and bits is not None:
        raise Geo3DError("give --grid or --bits, not both")
    if cell is not None and not (math.isfinite(cell) and cell > 0):
        raise Geo3DError(f"--grid must be a positive length, got {cell}")
    if bits is not None and not 1 <= bits <= 32:
        raise Geo3DError(f"--bits must be 1 to 32, got {bits}")
    if exact is not None and bits is None and (cell is None or math.isclose(exact.step, cell, rel_tol=1e-9)):
        return exact
    low, high = corners.min(axis=0), corners.max(axis=0)
    side = float((high.astype(np.float64) - low.astype(np.float64)).max())
    if cell is None:
        steps = 2 ** (bits or DEFAULT_BITS) - 1
        cell = side / steps if side > 0 else 1.0
        cell = cell if bits else min(cell, DEFAULT_METRES)
    return grid_of_cell(corners, cell)


def grid_of_cell(points: NDArray[Any], cell: float) -> Grid:
    """A grid with this cell, its origin at the least coordinates; integers stay integers if the cell is one."""
    low = points.min(axis=0)
    if points.dtype.kind in "iu":
        if cell == 1:
            return Grid(points.dtype.name, 1.0)
        largest = max(abs(int(low.min())), abs(int(points.max())))
        if largest >= LARGEST_INDEX:
            raise ShapeError(f"integer coordinates up to {largest} can only be coded with --grid 1")
        name = points.dtype.name if float(cell).is_integer() else "float64"
    else:
        # Where float32 is coarse against the cell, its rounding would add to the half cell that is promised.
        ulp = float(np.spacing(np.abs(points).max().astype(points.dtype)))
        name = points.dtype.name if ulp <= cell / 256 else "float64"
    x, y, z = (float(v) for v in low)
    return Grid(name, float(cell), (x, y, z))


def largest_error(grid: Grid, points: NDArray[Any], indices: NDArray[np.int64]) -> float:
    """The farthest that any coordinate is from its decoded value, along one axis."""
    if not len(points):
        return 0.0
    gap = grid.points(indices).astype(np.float64) - points.astype(np.float64)
    return float(np.abs(gap).max())
