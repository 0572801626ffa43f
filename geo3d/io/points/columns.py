"""Plain N x C tables of numbers as clouds, for formats that name no columns (.npy, .xyz, .txt)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError
from geo3d.io.colors import colors_from
from geo3d.types import PointCloud


def cloud_from_columns(table: NDArray[Any]) -> PointCloud:
    """Read the columns of an [N, C] table by this rule.

    C = 3   x y z
    C = 4   x y z intensity
    C = 6   x y z + normals if every row has length 1, else colours (whole 0..255, or 0..1)
    C = 7   x y z intensity r g b, if the last three are colours
    C = 9   x y z r g b nx ny nz, if they are
    Columns that are neither become the attributes `column_3`, `column_4`, ...: nothing is dropped.
    """
    if table.ndim != 2 or table.shape[1] < 3:
        raise FormatError(f"points need an [N, C] table with C >= 3, got shape {list(table.shape)}")
    points, extra = np.ascontiguousarray(table[:, :3]), table[:, 3:]
    width = extra.shape[1]
    colors: NDArray[np.uint8] | None = None
    normals: NDArray[np.float32] | None = None
    if width == 1:
        return PointCloud(points, attributes={"intensity": extra[:, 0].copy()})
    if width == 3:
        if _unit_rows(extra):
            return PointCloud(points, normals=extra.astype(np.float32))
        colors = colors_from(extra)[0]
        if colors is not None:
            return PointCloud(points, colors)
    elif width == 4:
        colors = colors_from(extra[:, 1:])[0]
        if colors is not None:
            return PointCloud(points, colors, attributes={"intensity": extra[:, 0].copy()})
    elif width == 6 and _unit_rows(extra[:, 3:]):
        colors, normals = colors_from(extra[:, :3])[0], extra[:, 3:].astype(np.float32)
        if colors is not None:
            return PointCloud(points, colors, normals)
    return PointCloud(points, attributes={f"column_{3 + i}": extra[:, i].copy() for i in range(width)})


def _unit_rows(rows: NDArray[Any]) -> bool:
    if not len(rows) or rows.dtype.kind != "f":
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        return bool((np.abs(np.linalg.norm(rows, axis=1) - 1) < 1e-2).all())
