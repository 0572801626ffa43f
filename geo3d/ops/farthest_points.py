"""Farthest-point sampling."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import ShapeError
from geo3d.ops._arrays import as_array, as_float, check_last, to_numpy


def farthest_points(points: Any, count: int, start: int = 0) -> Any:
    """Indices [count] of points, each the farthest from those before it (Gonzalez 1985; ties: the lower index).

    points  [N, 3], numpy or torch
    count   1 to N
    start   index of the first
    """
    points = as_float(check_last(as_array(points), 3, "points"))
    if not 1 <= count <= len(points):
        raise ShapeError(f"count must be 1 to the number of points ({len(points)}), got {count}")
    if not 0 <= start < len(points):
        raise ShapeError(f"start must be an index below {len(points)}, got {start}")
    chosen = _compiled()(np.ascontiguousarray(to_numpy(points), dtype=np.float64), count, start)
    return as_array(chosen, like=points)


@functools.cache
def _compiled() -> Callable[..., NDArray[np.int64]]:
    import numba

    @numba.njit(cache=True)
    def sample(points: Any, count: int, start: int) -> Any:
        n = len(points)
        nearest = np.full(n, np.inf)
        chosen = np.zeros(count, dtype=np.int64)
        chosen[0] = start
        for i in range(1, count):
            last = chosen[i - 1]
            best, far = 0, -1.0
            for j in range(n):
                dx = points[j, 0] - points[last, 0]
                dy = points[j, 1] - points[last, 1]
                dz = points[j, 2] - points[last, 2]
                d = min(nearest[j], dx * dx + dy * dy + dz * dz)
                nearest[j] = d
                if d > far:
                    best, far = j, d
            chosen[i] = best
        return chosen

    return sample
