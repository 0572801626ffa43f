"""The vertex element of a PLY file as a `PointCloud`, and back.

What PLY cannot hold by itself is named in a comment, which other programs skip:
`comment geo3d array NAME DTYPE K` says that the properties NAME_0 ... NAME_(K-1) (or NAME, if K is 0) are one
array of that dtype.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError
from geo3d.io.colors import colors_from
from geo3d.io.ply.body import Columns
from geo3d.io.text import single
from geo3d.types import PointCloud

COLOR_NAMES = (("red", "green", "blue"), ("r", "g", "b"), ("diffuse_red", "diffuse_green", "diffuse_blue"))
_NORMAL_NAMES = ("nx", "ny", "nz")
_PLY_TYPES = ("i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8")
_ARRAY_COMMENT = re.compile(r"geo3d array (\S+) ([a-z0-9]+) (\d+)")


def cloud_from_vertices(columns: Columns, comments: tuple[str, ...] = ()) -> PointCloud:
    """Make a cloud of a vertex element.  All properties but lists are kept with their dtype."""
    scalars: dict[str, NDArray[Any]] = {k: v for k, v in columns.items() if isinstance(v, np.ndarray)}
    arrays = _declared_arrays(scalars, comments)
    points = arrays.pop("points", None)
    xyz = _take(scalars, ("x", "y", "z")) or _take(scalars, ("X", "Y", "Z"))
    if xyz is None:
        raise FormatError(f"the PLY vertices have no x, y, z, but: {', '.join(columns) or 'nothing'}")
    points = _stack(xyz) if points is None else points
    colors: NDArray[np.uint8] | None = None
    for names in COLOR_NAMES:
        rgb = _take(scalars, names) if colors is None else None
        if rgb is not None:
            wide = _stack(rgb)
            colors, exact = colors_from(wide)
            if not exact:
                arrays["color16" if wide.dtype.kind in "iu" else "color_float"] = wide
    normals = _take(scalars, _NORMAL_NAMES)
    if normals is not None and normals[0].dtype.kind != "f":
        arrays.update(zip(_NORMAL_NAMES, normals, strict=True))
        normals = None
    return PointCloud(
        points,
        colors,
        None if normals is None else single(_stack(normals)),
        {**scalars, **arrays},
        {"comments": tuple(c for c in comments if not _ARRAY_COMMENT.fullmatch(c))} if comments else {},
    )


def vertices_from_cloud(cloud: PointCloud) -> tuple[dict[str, NDArray[Any]], list[str]]:
    """Return (columns by property name, comments) that `cloud_from_vertices` turns back into the same cloud."""
    columns: dict[str, NDArray[Any]] = {}
    comments: list[str] = []
    points = _narrowed(cloud.points, "points")
    columns.update(zip("xyz", points.T, strict=True))
    if points.dtype != cloud.points.dtype:
        comments.append(f"geo3d array points {cloud.points.dtype.name} 3")
    if cloud.normals is not None:
        columns.update(zip(_NORMAL_NAMES, cloud.normals.T, strict=True))
    if cloud.colors is not None:
        columns.update(zip(COLOR_NAMES[0], cloud.colors.T, strict=True))
    for name, array in cloud.attributes.items():
        if not re.fullmatch(r"[^\s]+", name):
            raise FormatError(
                f"the attribute name '{name}' has white space or is empty, which PLY cannot hold; rename it"
            )
        narrow = _narrowed(array, name)
        parts = {name: narrow} if array.ndim == 1 else {f"{name}_{k}": narrow[:, k] for k in range(array.shape[1])}
        clash = sorted(set(columns) & set(parts))
        if clash:
            raise FormatError(
                f"the attribute '{name}' would be written as {', '.join(clash)}, which is taken; rename it"
            )
        if array.ndim == 2 or narrow.dtype != array.dtype:
            comments.append(f"geo3d array {name} {array.dtype.name} {array.shape[1] if array.ndim == 2 else 0}")
        columns.update(parts)
    written = (["red"] if cloud.colors is not None else []) + (["nx"] if cloud.normals is not None else [])
    for names in (_NORMAL_NAMES, *COLOR_NAMES):
        if names[0] not in written and all(n in columns for n in names):
            raise FormatError(f"attributes named {', '.join(names)} would be read back as something else; rename one")
    comments += [c for c in cloud.metadata.get("comments", ()) if isinstance(c, str) and c.isprintable()]
    return columns, comments


def _narrowed(array: NDArray[Any], name: str) -> NDArray[Any]:
    """Return the array in a type that PLY has, with the same values."""
    if array.dtype.str[1:] in _PLY_TYPES:
        return array
    if array.dtype == bool:
        return array.astype(np.uint8)
    if array.dtype == np.float16:
        return array.astype(np.float32)
    if array.dtype.kind in "iu":
        low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
        if low >= -(2**31) and high < 2**31:
            return array.astype(np.int32)
        if low >= 0 and high < 2**32:
            return array.astype(np.uint32)
        if low >= -(2**53) and high <= 2**53:
            return array.astype(np.float64)
    raise FormatError(f"'{name}' is {array.dtype} with values that no PLY type holds exactly; convert it or use .npz")


def _declared_arrays(scalars: dict[str, NDArray[Any]], comments: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    for comment in comments:
        found = _ARRAY_COMMENT.fullmatch(comment)
        if found is None:
            continue
        name, kind, width = found[1], found[2], int(found[3])
        try:
            dtype = np.dtype(kind)
        except TypeError:
            continue
        parts = ["x", "y", "z"] if name == "points" else [f"{name}_{k}" for k in range(min(width, len(scalars) + 1))]
        parts = parts or [name]
        if dtype.kind not in "biuf" or not all(p in scalars for p in parts):
            continue
        stacked = np.stack([scalars[p] for p in parts], axis=1) if width else scalars[name]
        with np.errstate(invalid="ignore", over="ignore"):
            arrays[name] = stacked.astype(dtype)
        if name != "points":
            for p in parts:
                del scalars[p]
    return arrays


def _take(scalars: dict[str, NDArray[Any]], names: tuple[str, ...]) -> list[NDArray[Any]] | None:
    """Remove and return the named columns if all are there."""
    return [scalars.pop(n) for n in names] if all(n in scalars for n in names) else None


def _stack(columns: list[NDArray[Any]]) -> NDArray[Any]:
    return np.stack(columns, axis=1)
