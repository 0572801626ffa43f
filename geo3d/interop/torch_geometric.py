"""Point clouds as torch-geometric `Data`."""

from __future__ import annotations

from typing import Any

import numpy as np

from geo3d.errors import ShapeError
from geo3d.optional import require
from geo3d.types import PointCloud

_OWN = ("pos", "color", "normal")


def to_data(cloud: PointCloud) -> Any:
    """Return a `torch_geometric.data.Data`: `pos` in the cloud's dtype, `color` uint8 [N, 3], `normal` float32 [N, 3],
    and every attribute under its name.  Its tensors are copies."""
    torch = require("torch", "all", "torch-geometric's Data")
    data_module = require("torch_geometric.data", "all", "torch-geometric's Data", "torch-geometric")
    clash = [k for k in cloud.attributes if k in _OWN or hasattr(data_module.Data, k)]
    if clash:
        raise ShapeError(f"attributes {clash} have names that Data uses itself; rename them")
    data = data_module.Data(pos=_tensor(torch, cloud.points))
    if cloud.colors is not None:
        data.color = _tensor(torch, cloud.colors)
    if cloud.normals is not None:
        data.normal = _tensor(torch, cloud.normals)
    for name, values in cloud.attributes.items():
        data[name] = _tensor(torch, values)
    return data


def from_data(data: Any) -> PointCloud:
    """Return the cloud of a `Data` with `pos`.  Tensors with a row a point become attributes; others are left out.

    `color` may be uint8, or floats from 0 to 1.
    """
    if getattr(data, "pos", None) is None:
        raise ShapeError("this Data has no positions (pos)")
    arrays = {k: v.detach().cpu().numpy() for k, v in data.to_dict().items() if hasattr(v, "detach")}
    points = arrays.pop("pos")
    color, normal = arrays.pop("color", None), arrays.pop("normal", None)
    if color is not None and color.dtype.kind == "f":
        color = np.rint(color * 255).clip(0, 255).astype(np.uint8)
    kept = {
        k: v
        for k, v in arrays.items()
        if v.ndim in (1, 2) and len(v) == len(points) and v.dtype.kind in "biuf" and k != "edge_index"
    }
    return PointCloud(points, color, normal, kept)


def _tensor(torch: Any, array: Any) -> Any:
    return torch.from_numpy(np.array(array, order="C"))
