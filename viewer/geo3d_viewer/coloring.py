"""From `color_by` to a colour per point or vertex."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import Geo3DError
from geo3d.types import PointCloud, TriangleMesh
from geo3d_viewer.palette import CATEGORIES, Legend, colored_by_value, parse_color
from geo3d_viewer.scene import MeshLayer, PointLayer

_PLAIN_SURFACE = np.array([200, 202, 208], dtype=np.uint8)
_MOST_LABELS = 32


def color_choices(geometry: PointCloud | TriangleMesh) -> list[str]:
    """What `color_by` may be for this geometry, best first."""
    if isinstance(geometry, TriangleMesh):
        rgb = ["rgb"] if geometry.vertex_colors is not None else []
        return [*rgb, "plain", "height", "normal", *geometry.attributes]
    choices = ["rgb"] if geometry.colors is not None else []
    choices += ["height"] + (["normal"] if geometry.normals is not None else [])
    return choices + list(geometry.attributes)


def color_points(
    cloud: PointCloud, color_by: str, up: NDArray[np.float64], like: PointCloud | None = None
) -> tuple[NDArray[np.uint8], Legend | None]:
    """Colours [N, 3] of a cloud, and a legend where the colours stand for numbers.

    like  the cloud that `cloud` is a part of, or a fair sample of it, for the range of the numbers and the labels
    """
    like = cloud if like is None else like
    if color_by == "auto":
        color_by = color_choices(cloud)[0]
    if color_by == "rgb" and cloud.colors is not None:
        return cloud.colors, None
    if color_by == "height":
        return colored_by_value(cloud.points @ up, "height (m)", like.points @ up)
    if color_by == "normal" and cloud.normals is not None:
        return _normal_colors(cloud.normals), None
    if color_by in cloud.attributes:
        return _attribute_colors(cloud.attributes[color_by], color_by, like.attributes[color_by])
    return np.broadcast_to(_constant(color_by, color_choices(cloud)), (len(cloud), 3)), None


def color_vertices(
    mesh: TriangleMesh, color_by: str, up: NDArray[np.float64]
) -> tuple[NDArray[np.uint8], Legend | None]:
    """Colours [V, 3] of a mesh's vertices, and a legend where the colours stand for numbers."""
    if color_by == "auto":
        color_by = color_choices(mesh)[0]
    if color_by == "rgb" and mesh.vertex_colors is not None:
        return mesh.vertex_colors, None
    if color_by == "plain":
        return np.broadcast_to(_PLAIN_SURFACE, mesh.vertices.shape), None
    if color_by == "height":
        return colored_by_value(mesh.vertices @ up, "height (m)")
    if color_by == "normal":
        from geo3d_viewer.raster.shading import vertex_normals

        return _normal_colors(vertex_normals(mesh.vertices, mesh.faces)), None
    if color_by in mesh.attributes:
        values = mesh.attributes[color_by]
        return _attribute_colors(values, color_by, values)
    return np.broadcast_to(_constant(color_by, color_choices(mesh)), mesh.vertices.shape), None


def layer_vertex_colors(layer: MeshLayer, up: NDArray[np.float64]) -> tuple[NDArray[np.uint8], Legend | None]:
    """Colours [V, 3] of a mesh layer's vertices, and their legend: the layer's own where its own colours are shown."""
    colors, legend = color_vertices(layer.mesh, layer.color_by, up)
    is_own = layer.color_by in ("auto", "rgb") and layer.mesh.vertex_colors is not None
    return colors, layer.legend if is_own else legend


def layer_point_colors(
    layer: PointLayer, up: NDArray[np.float64], cloud: PointCloud | None = None, like: PointCloud | None = None
) -> tuple[NDArray[np.uint8], Legend | None]:
    """Colours [N, 3] of a layer's points (or of `cloud`, a part of them), and their legend; see `color_points`."""
    cloud = layer.cloud if cloud is None else cloud
    colors, legend = color_points(cloud, layer.color_by, up, like)
    is_own = layer.color_by in ("auto", "rgb") and cloud.colors is not None
    return colors, layer.legend if is_own else legend


def _constant(color_by: str, choices: list[str]) -> NDArray[np.uint8]:
    color = parse_color(color_by)
    if color is None:
        raise Geo3DError(f"cannot colour by '{color_by}' (this layer has: {', '.join(choices)}, or give #rrggbb)")
    return color


def _normal_colors(normals: NDArray[Any]) -> NDArray[np.uint8]:
    return np.rint((np.nan_to_num(normals) * 0.5 + 0.5).clip(0, 1) * 255).astype(np.uint8)


def _attribute_colors(values: NDArray[Any], name: str, like: NDArray[Any]) -> tuple[NDArray[np.uint8], Legend | None]:
    if values.ndim == 2:
        if values.shape[1] > 1:
            lengths, others = (np.linalg.norm(v.astype(np.float64), axis=1) for v in (values, like))
            return colored_by_value(lengths, f"|{name}|", others)
        values, like = values[:, 0], like[:, 0]
    if values.dtype.kind in "biu":
        labels = np.unique(like)
        if 0 < len(labels) <= min(_MOST_LABELS, len(CATEGORIES)):
            return CATEGORIES[np.searchsorted(labels, values).clip(0, len(labels) - 1)], None
    return colored_by_value(values, name, like)
