"""From a signed distance that holds near the samples to a closed surface."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from geo3d.types import TriangleMesh
from geo3d_recon.marching import corners_of_mixed_cells, marching_tetrahedra

Floats = NDArray[np.float64]
Field = Callable[[Floats], Floats]

_CELL = 0.5  # spacings; cells of 0.7 give half as many faces, but break thin parts
_FINEST, _COARSEST = 1 / 220, 1 / 56  # of the box
_BAND = 2.4  # spacings from a sample within which the near field is asked
_ROUNDS = 8  # of asking on where the surface left what was asked at full resolution
_FAR_STRIDE = 3


def extract_surface(points: Floats, spacing: float, near_field: Field, winding: Field) -> TriangleMesh:
    """The zero set of a field on a grid around points in the unit box; closed, manifold, not self-intersecting.

    near_field  [Q, 3] -> [Q] signed distance in spacings, good within about 2 spacings of a sample
    winding     [Q, 3] -> [Q] winding number; it decides farther away, so holes in the sampling are spanned

    The near field is first asked on every second grid point, then on all points that a surface through their coarse
    cell could pass, then beside changes of sign that reach beyond those.
    """
    cell = float(np.clip(_CELL * spacing, _FINEST, _COARSEST))
    origin = points.min(axis=0) - 4 * cell - spacing
    shape = np.ceil((points.max(axis=0) + spacing - origin) / cell).astype(int) + 5
    shape += 1 - shape % 2  # odd, so that every second point reaches both ends
    value = _far(shape, origin, cell, winding)
    near = _near(points, shape, origin, cell, _BAND * spacing)

    coarse = np.zeros_like(near)
    coarse[::2, ::2, ::2] = near[::2, ::2, ::2]
    _ask(value, coarse, origin, cell, near_field)
    guess = _upsample(value[::2, ::2, ::2], shape)
    value = np.where(near, guess, value)
    # A surface through a coarse cell is at most half its diagonal from the cell's points.
    asked = near & (np.abs(guess) < np.sqrt(3) * cell / spacing)
    _ask(value, asked, origin, cell, near_field)
    for _ in range(_ROUNDS):
        more = corners_of_mixed_cells(value < 0) & near & ~asked
        if not more.any():
            break
        _ask(value, more, origin, cell, near_field)
        asked |= more
    value = np.pad(value[1:-1, 1:-1, 1:-1], 1, constant_values=1.0)
    return marching_tetrahedra(value, origin, cell, snap=True)


def _ask(value: Floats, where: NDArray[np.bool_], origin: Floats, cell: float, field: Field) -> None:
    """Write the field's values into `value` at the marked grid points."""
    index = np.argwhere(where)
    if len(index):
        value[where] = field(index * cell + origin)


def _near(points: Floats, shape: NDArray[np.int64], origin: Floats, cell: float, reach: float) -> NDArray[np.bool_]:
    """Grid points within `reach` of a sample (to the precision of a cell)."""
    from scipy.ndimage import distance_transform_edt

    empty = np.ones(shape, dtype=bool)
    index = np.rint((points - origin) / cell).astype(int)
    empty[tuple(index.T)] = False
    return distance_transform_edt(empty) * cell < reach


def _far(shape: NDArray[np.int64], origin: Floats, cell: float, winding: Field) -> Floats:
    """A rough signed field of the winding number, −1 well inside to 1 well outside."""
    counts = -(-shape // _FAR_STRIDE) + 1
    axes = [np.arange(c) * _FAR_STRIDE for c in counts]
    index = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    w = winding(index * cell + origin).reshape(counts)
    return _upsample((2 * (0.5 - w)).clip(-1, 1), shape, _FAR_STRIDE)


def _upsample(coarse: Floats, shape: NDArray[np.int64], stride: int = 2) -> Floats:
    """Trilinear interpolation of every stride-th grid value to all, axis by axis."""
    for axis in range(3):
        position = np.arange(shape[axis]) / stride
        low = np.minimum(position.astype(int), coarse.shape[axis] - 2)
        weight = (position - low).reshape([-1 if a == axis else 1 for a in range(3)])
        lower, upper = np.take(coarse, low, axis), np.take(coarse, low + 1, axis)
        coarse = lower * (1 - weight) + upper * weight
    return coarse
