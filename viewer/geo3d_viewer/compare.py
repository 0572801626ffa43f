"""How far two geometries are from each other: distances, their picture, their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import ShapeError
from geo3d.types import PointCloud, TriangleMesh
from geo3d_viewer.camera import ViewCamera
from geo3d_viewer.framing import auto_camera
from geo3d_viewer.legend import with_legends
from geo3d_viewer.linked import View, is_in
from geo3d_viewer.palette import Legend, palette
from geo3d_viewer.panels import histogram, side_by_side
from geo3d_viewer.raster import render
from geo3d_viewer.scene import Layer, LineLayer, MeshLayer, PointLayer, Scene

Geometry: TypeAlias = PointCloud | TriangleMesh
Metric: TypeAlias = Literal["point", "plane", "hausdorff"]
_FARTHEST = np.array([[220, 40, 60]], dtype=np.uint8)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Distances in metres between a reference and another geometry, at their points or vertices.

    to_reference    [M] of the other's
    from_reference  [N] of the reference's to the other
    farthest        [2, 3] the point that is farthest from the other geometry, and what is nearest to it there: the
                    Hausdorff distance; None unless that was asked for
    """

    to_reference: NDArray[np.float64]
    from_reference: NDArray[np.float64]
    farthest: NDArray[np.float64] | None = None

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
            nearest point of a cloud (estimated normals where it has none), which ignores sampling; 'hausdorff': as
            'point', shown in both directions, with the largest distance marked
    """
    there, back = distances(_points(other), reference, metric), distances(_points(reference), other, metric)
    if metric != "hausdorff":
        return Comparison(there, back)
    of, target = (_points(other), reference) if there.max() >= back.max() else (_points(reference), other)
    point = of[int(np.argmax(there if there.max() >= back.max() else back))]
    return Comparison(there, back, np.stack([point, _nearest(point, target)]))


def _nearest(point: NDArray[np.float64], target: Geometry) -> NDArray[np.float64]:
    """[3] the point of a cloud, or of a mesh's surface, that is nearest to one point [3]."""
    if isinstance(target, TriangleMesh) and len(target.faces):
        import open3d as o3d

        scene, centre = _raycasting(target)
        query = o3d.core.Tensor((point - centre)[None].astype(np.float32))
        return np.asarray(scene.compute_closest_points(query)["points"].numpy()[0].astype(np.float64) + centre)
    goal = _points(target)
    return np.asarray(goal[int(np.argmin(((goal - point) ** 2).sum(axis=1)))])


def distances(points: NDArray[np.float64], target: Geometry, metric: Metric = "point") -> NDArray[np.float64]:
    """[N] distances of points [N, 3] to a cloud or to the surface of a mesh, metres."""
    if metric not in get_args(Metric):
        raise ShapeError(f"the metric is one of {', '.join(get_args(Metric))}, got '{metric}'")
    if isinstance(target, TriangleMesh) and len(target.faces):
        return _to_surface(points, target)
    from scipy.spatial import cKDTree

    goal = _points(target)
    distance, index = cKDTree(goal).query(points, workers=2)
    if metric != "plane":
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

    scene, centre = _raycasting(mesh)
    query = o3d.core.Tensor.from_numpy((points - centre).astype(np.float32))
    return np.asarray(scene.compute_distance(query).numpy().astype(np.float64))


def _raycasting(mesh: TriangleMesh) -> tuple[Any, NDArray[np.float64]]:
    """(Open3D's scene of a mesh relative to its middle, the middle [3])."""
    import open3d as o3d

    centre = mesh.vertices.mean(axis=0)
    scene = o3d.t.geometry.RaycastingScene()
    vertices = o3d.core.Tensor.from_numpy((mesh.vertices - centre).astype(np.float32))
    scene.add_triangles(vertices, o3d.core.Tensor.from_numpy(mesh.faces.astype(np.uint32)))
    return scene, centre


@dataclass(frozen=True, eq=False)
class Compared:
    """A geometry that was measured against a reference, under the title that its panel gets."""

    title: str
    geometry: Geometry
    result: Comparison


def comparison_scene(reference: Geometry, others: Sequence[Compared]) -> Scene:
    """Layers `reference`, and `N/other` and `N/distance` for each other; shown is the distance of the first.

    The distances are in one scale, so that their colours can be compared.  Where the Hausdorff distance was asked for,
    `N/distance/back` is the reference with its distances, and a line `N/distance/farthest` marks the largest.
    """
    legend = _legend(others)
    layers: list[Layer] = [_layer("reference", reference)]
    for number, other in enumerate(others, start=1):
        name, result = f"{number}/distance", other.result
        layers += [_layer(f"{number}/other", other.geometry), _heat(name, other.geometry, result.to_reference, legend)]
        if result.farthest is not None:
            layers.append(_heat(f"{name}/back", reference, result.from_reference, legend))
            layers.append(LineLayer(f"{name}/farthest", result.farthest[None], _FARTHEST, 4.0))
    return Scene(tuple(replace(la, visible=is_in(la.name, ("1/distance",))) for la in layers), title="comparison")


def linked_comparison(reference: Geometry, others: Sequence[Compared], title: str) -> tuple[Scene, tuple[View, ...]]:
    """The comparison's scene with everything shown, and the views into it: reference, others, their distances."""
    scene = comparison_scene(reference, others)
    scene = replace(scene, layers=tuple(replace(la, visible=True) for la in scene.layers))
    numbered = list(enumerate(others, start=1))
    views = [(title, ("reference",)), *((o.title, (f"{n}/other",)) for n, o in numbered)]
    views += [(f"distance of {o.title}", (f"{n}/distance",)) for n, o in numbered]
    return scene, tuple(views)


def _heat(name: str, geometry: Geometry, values: NDArray[np.float64], legend: Legend) -> Layer:
    colors = palette(values / (legend.high or 1.0))
    if isinstance(geometry, TriangleMesh):
        return MeshLayer(name, replace(geometry, vertex_colors=colors), legend=legend)
    finite = geometry.finite()[0]
    return PointLayer(name, PointCloud(finite.points, colors, finite.normals, {legend.label: values}), legend=legend)


def _layer(name: str, geometry: Geometry) -> Layer:
    if isinstance(geometry, TriangleMesh):
        return MeshLayer(name, geometry)
    return PointLayer(name, geometry.finite()[0])


def _legend(others: Sequence[Compared]) -> Legend:
    values = [measured(o.result) for o in others]
    tops = [np.percentile(v, 99) or v.max() for v in values]
    return Legend("distance (m)", 0.0, float(max(tops)), np.concatenate(values))


def measured(result: Comparison) -> NDArray[np.float64]:
    """The distances that are shown: to the reference, and where the Hausdorff distance is, in both directions."""
    if result.farthest is None:
        return result.to_reference
    return np.concatenate([result.to_reference, result.from_reference])


def comparison_picture(
    reference: Geometry,
    others: Sequence[Compared],
    size: tuple[int, int] = (560, 420),
    camera: Literal["auto"] | ViewCamera = "auto",
    title: str = "reference",
) -> tuple[NDArray[np.uint8], ViewCamera]:
    """Panels of `size` from one camera: reference and others above, the histogram and their distances below.

    The histogram is that of the last.
    """
    if not others:
        raise ShapeError("a comparison needs a reference and at least one other geometry")
    scene = comparison_scene(reference, others)
    automatic, up = auto_camera(_only(scene, "reference"), size)
    camera = automatic if camera == "auto" else camera
    numbers = range(1, len(others) + 1)
    upper = ["reference", *(f"{n}/other" for n in numbers)]
    lower = [f"{n}/distance" for n in numbers]
    images = [with_legends(render(_only(scene, name), camera, size, up=up)) for name in upper]
    images.append(histogram(measured(others[-1].result), _legend(others), size))
    images += [with_legends(render(_only(scene, name), camera, size, up=up)) for name in lower]
    titles = [title, *(o.title for o in others)]
    titles.append(f"distances of {others[-1].title}" if len(others) > 1 else "distances")
    for other in others:
        n = other.result.numbers()
        titles.append(f"mean {n['mean']:.2g} m, 95 % below {n['p95']:.2g} m, Hausdorff {n['hausdorff']:.2g} m")
    return side_by_side(images, titles, columns=1 + len(others)), camera


def _only(scene: Scene, name: str) -> Scene:
    return replace(scene, layers=tuple(replace(la, visible=is_in(la.name, (name,))) for la in scene.layers))
