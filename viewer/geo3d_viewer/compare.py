"""How far two geometries are from each other: distances, their picture, their numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import ShapeError
from geo3d.types import PointCloud, TriangleMesh
from geo3d_viewer.camera import ViewCamera
from geo3d_viewer.framing import auto_camera
from geo3d_viewer.legend import with_legends
from geo3d_viewer.palette import Legend, palette
from geo3d_viewer.panels import histogram, side_by_side
from geo3d_viewer.raster import render
from geo3d_viewer.scene import Layer, MeshLayer, PointLayer, Scene

Geometry: TypeAlias = PointCloud | TriangleMesh
Metric: TypeAlias = Literal["point", "plane"]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Distances in metres between a reference and another geometry, at their points or vertices.

    to_reference    [M] of the other's
    from_reference  [N] of the reference's to the other
    """

    to_reference: NDArray[np.float64]
    from_reference: NDArray[np.float64]

    @property
    def hausdorff(self) -> float:
        """The largest distance in either direction."""
        return float(max(self.to_reference.max(), self.from_reference.max()))

    def numbers(self) -> dict[str, float]:
        """Mean, RMS and 95th percentile of the distances to the reference, and the Hausdorff distance; metres."""
        d = self.to_reference
        return {
            "mean": float(d.mean()),
            "rms": float(np.sqrt((d**2).mean())),
            "p95": float(np.percentile(d, 95)),
            "hausdorff": self.hausdorff,
        }


def compare(reference: Geometry, other: Geometry, metric: Metric = "point") -> Comparison:
    """Measure both ways.

    metric  'point': to the nearest point of a cloud, or the surface of a mesh; 'plane': to the plane through the
            nearest point of a cloud (estimated normals where it has none), which ignores sampling
    """
    return Comparison(distances(_points(other), reference, metric), distances(_points(reference), other, metric))


def distances(points: NDArray[np.float64], target: Geometry, metric: Metric = "point") -> NDArray[np.float64]:
    """[N] distances of points [N, 3] to a cloud or to the surface of a mesh, metres."""
    if metric not in ("point", "plane"):
        raise ShapeError(f"the metric is 'point' or 'plane', got '{metric}'")
    if isinstance(target, TriangleMesh) and len(target.faces):
        return _to_surface(points, target)
    from scipy.spatial import cKDTree

    goal = _points(target)
    distance, index = cKDTree(goal).query(points, workers=2)
    if metric == "point":
        return np.asarray(distance)
    normals = target.normals if isinstance(target, PointCloud) else target.vertex_normals
    if normals is None:
        from geo3d.ops import estimate_normals

        normals = estimate_normals(goal)
    return np.asarray(np.abs(((points - goal[index]) * normals[index]).sum(axis=1)))


def _points(geometry: Geometry) -> NDArray[np.float64]:
    p = geometry.finite()[0].points if isinstance(geometry, PointCloud) else geometry.vertices
    if not len(p):
        raise ShapeError("a geometry without points cannot be compared")
    return p.astype(np.float64)


def _to_surface(points: NDArray[np.float64], mesh: TriangleMesh) -> NDArray[np.float64]:
    import open3d as o3d

    centre = mesh.vertices.mean(axis=0)
    scene = o3d.t.geometry.RaycastingScene()
    vertices = o3d.core.Tensor.from_numpy((mesh.vertices - centre).astype(np.float32))
    scene.add_triangles(vertices, o3d.core.Tensor.from_numpy(mesh.faces.astype(np.uint32)))
    query = o3d.core.Tensor.from_numpy((points - centre).astype(np.float32))
    return np.asarray(scene.compute_distance(query).numpy().astype(np.float64))


def comparison_scene(reference: Geometry, other: Geometry, result: Comparison) -> Scene:
    """Layers `reference` and `other` (hidden) and `distance`, the other coloured by its distance to the reference."""
    legend = _legend(result)
    layers: list[Layer] = [_layer("reference", reference), _layer("other", other)]
    layers = [replace(layer, visible=False) for layer in layers]
    colors = palette(result.to_reference / (legend.high or 1.0))
    if isinstance(other, TriangleMesh):
        layers.append(MeshLayer("distance", replace(other, vertex_colors=colors), legend=legend))
    else:
        finite = other.finite()[0]
        cloud = PointCloud(finite.points, colors, finite.normals, {legend.label: result.to_reference})
        layers.append(PointLayer("distance", cloud, legend=legend))
    return Scene(tuple(layers), title="comparison")


def _layer(name: str, geometry: Geometry) -> Layer:
    if isinstance(geometry, TriangleMesh):
        return MeshLayer(name, geometry)
    return PointLayer(name, geometry.finite()[0])


def _legend(result: Comparison) -> Legend:
    high = float(np.percentile(result.to_reference, 99)) or float(result.to_reference.max())
    return Legend("distance (m)", 0.0, high)


def comparison_picture(
    reference: Geometry,
    other: Geometry,
    result: Comparison,
    size: tuple[int, int] = (560, 420),
    camera: Literal["auto"] | ViewCamera = "auto",
    titles: tuple[str, str] = ("reference", "other"),
) -> tuple[NDArray[np.uint8], ViewCamera]:
    """Reference, other, distances and their histogram, four panels from one camera; `size` is that of a panel."""
    scene = comparison_scene(reference, other, result)
    if camera == "auto":
        camera, up = auto_camera(_only(scene, "reference"), size)
    else:
        _, up = auto_camera(_only(scene, "reference"), size)
    names = ("reference", "other", "distance")
    images = [with_legends(render(_only(scene, name), camera, size, up=up)) for name in names]
    images.append(histogram(result.to_reference, _legend(result), size))
    numbers = result.numbers()
    text = f"distance: mean {numbers['mean']:.3g} m, 95 % below {numbers['p95']:.3g} m"
    last = f"how often; Hausdorff distance {numbers['hausdorff']:.3g} m"
    return side_by_side(images, [*titles, text, last], columns=2), camera


def _only(scene: Scene, name: str) -> Scene:
    return replace(scene, layers=tuple(replace(la, visible=la.name == name) for la in scene.layers))
