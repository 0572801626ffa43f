"""Layers as Open3D geometries and materials."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d_viewer.coloring import layer_point_colors, layer_vertex_colors
from geo3d_viewer.desktop.chunks import to_cloud
from geo3d_viewer.lod import FIRST_POINTS, LARGE_CLOUD, thinned_cloud
from geo3d_viewer.palette import Legend
from geo3d_viewer.scene import Layer, LineLayer, MeshLayer, PointLayer


def to_open3d(
    layer: Layer, centre: NDArray[np.float64], up: NDArray[np.float64], point_pixels: float
) -> tuple[Any, Any, Legend | None]:
    """Return (geometry relative to `centre`, material, legend); the geometry is None where nothing is left to draw."""
    if isinstance(layer, PointLayer):
        return _points(layer, centre, up, point_material(point_pixels))
    from open3d.visualization import rendering

    material = rendering.MaterialRecord()
    material.base_color = (1.0, 1.0, 1.0, 1.0)
    if isinstance(layer, MeshLayer):
        return _mesh(layer, centre, up, material)
    material.shader, material.line_width = "unlitLine", max(1.0, layer.width)
    return _lines(layer, centre, material)


def point_material(pixels: float) -> Any:
    """The material of points of this diameter."""
    from open3d.visualization import rendering

    material = rendering.MaterialRecord()
    material.base_color = (1.0, 1.0, 1.0, 1.0)
    material.shader, material.point_size = "defaultUnlit", pixels
    return material


def _points(
    layer: PointLayer, centre: NDArray[np.float64], up: NDArray[np.float64], material: Any
) -> tuple[Any, Any, Legend | None]:
    shown = thinned_cloud(layer.cloud, FIRST_POINTS) if len(layer.cloud) > LARGE_CLOUD else layer.cloud
    if not len(shown):
        return None, material, None
    colors, legend = layer_point_colors(layer, up, shown)
    return to_cloud(shown.points, colors, centre), material, legend


def _mesh(
    layer: MeshLayer, centre: NDArray[np.float64], up: NDArray[np.float64], material: Any
) -> tuple[Any, Any, Legend | None]:
    import open3d as o3d

    mesh = layer.mesh
    if not len(mesh.faces):
        return None, material, None
    colors, legend = layer_vertex_colors(layer, up)
    geometry = o3d.geometry.TriangleMesh(
        o3d.utility.Vector3dVector(mesh.vertices - centre), o3d.utility.Vector3iVector(mesh.faces)
    )
    texture = layer.shown_texture
    if texture is not None:
        geometry.triangle_uvs = o3d.utility.Vector2dVector(texture.uv.reshape(-1, 2).astype(np.float64))
        material.albedo_img = o3d.geometry.Image(_as_samples(texture.image))
        # What the picture's colours are multiplied by; without them the toolkit takes grey.
        colors = np.full((len(mesh.vertices), 3), 255, dtype=np.uint8)
    geometry.vertex_colors = o3d.utility.Vector3dVector(colors / 255.0)
    geometry.compute_vertex_normals()
    is_photo = layer.color_by in ("auto", "rgb") and (texture is not None or mesh.vertex_colors is not None)
    material.shader = "defaultUnlit" if is_photo else "defaultLit"
    return geometry, material, legend


def _as_samples(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture that the toolkit, which takes textures for sRGB and shows them as linear, shows as `image`."""
    x = np.arange(256) / 255
    encoded = np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)
    return np.rint(255 * encoded).astype(np.uint8)[image]


def _lines(layer: LineLayer, centre: NDArray[np.float64], material: Any) -> tuple[Any, Any, None]:
    import open3d as o3d

    if not len(layer.segments):
        return None, material, None
    lines = np.arange(2 * len(layer.segments)).reshape(-1, 2)
    geometry = o3d.geometry.LineSet(
        o3d.utility.Vector3dVector(layer.segments.reshape(-1, 3) - centre), o3d.utility.Vector2iVector(lines)
    )
    geometry.colors = o3d.utility.Vector3dVector(layer.colors / 255.0)
    return geometry, material, None
