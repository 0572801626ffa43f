"""PCD fields as a `PointCloud`, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError
from geo3d.io.pcd.body import Columns
from geo3d.io.text import single
from geo3d.types import PointCloud

_NORMALS = ("normal_x", "normal_y", "normal_z")
_RESERVED = {"x", "y", "z", "rgb", "rgba", "_", *_NORMALS}


def cloud_from_fields(fields: Columns, metadata: dict[str, Any]) -> PointCloud:
    """Make a cloud; `rgb` and `rgba` are unpacked (alpha becomes an attribute), other fields are attributes."""
    fields = dict(fields)
    if not all(k in fields and fields[k].ndim == 1 for k in "xyz"):
        raise FormatError(f"the PCD file has no fields x, y, z, but: {', '.join(fields)}")
    points = np.stack([fields.pop(k) for k in "xyz"], axis=1)
    colors = None
    for name in ("rgb", "rgba"):
        packed = fields.get(name)
        if colors is None and packed is not None and packed.ndim == 1 and packed.dtype.itemsize == 4:
            bits = fields.pop(name).view(np.uint32)
            colors = np.stack([bits >> 16 & 255, bits >> 8 & 255, bits & 255], axis=1).astype(np.uint8)
            if name == "rgba":
                fields["alpha"] = (bits >> 24).astype(np.uint8)
    normals = None
    if all(k in fields and fields[k].ndim == 1 and fields[k].dtype.kind == "f" for k in _NORMALS):
        normals = single(np.stack([fields.pop(k) for k in _NORMALS], axis=1))
    fields = {k: v for k, v in fields.items() if v.ndim == 1 or v.shape[1] > 0}
    return PointCloud(points, colors, normals, fields, metadata)


def fields_from_cloud(cloud: PointCloud) -> Columns:
    """Return the columns that `cloud_from_fields` turns back into the same cloud (bool becomes uint8)."""
    columns: dict[str, NDArray[Any]] = dict(zip("xyz", cloud.points.T, strict=True))
    attributes = dict(cloud.attributes)
    if cloud.colors is not None:
        r, g, b = cloud.colors.astype(np.uint32).T
        alpha = attributes.get("alpha")
        if alpha is not None and alpha.dtype == np.uint8 and alpha.ndim == 1:
            del attributes["alpha"]
            columns["rgba"] = alpha.astype(np.uint32) << 24 | r << 16 | g << 8 | b
        else:
            columns["rgb"] = (r << 16 | g << 8 | b).view(np.float32)
    if cloud.normals is not None:
        columns.update(zip(_NORMALS, cloud.normals.T, strict=True))
    for name, array in attributes.items():
        if not name or name.split() != [name] or "#" in name or not name.isascii():
            raise FormatError(f"the attribute name '{name}' cannot stand in a PCD header; rename it")
        if name in _RESERVED:
            raise FormatError(f"an attribute called '{name}' would be read back as something else; rename it")
        columns[name] = array
    return {k: _plain(v) for k, v in columns.items()}


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype == bool:
        return array.astype(np.uint8)
    if array.dtype == np.float16:
        return array.astype(np.float32)
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        return array.astype(np.float64)
    return array
