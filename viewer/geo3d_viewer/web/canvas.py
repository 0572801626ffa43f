"""One view of the page: a viser server, and the layers on it as its nodes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.types import TriangleMesh
from geo3d_viewer.camera import ViewCamera
from geo3d_viewer.coloring import layer_point_colors, layer_vertex_colors
from geo3d_viewer.density import typical_spacing
from geo3d_viewer.linked import is_in
from geo3d_viewer.lod import thinned_cloud
from geo3d_viewer.palette import Legend
from geo3d_viewer.scene import Layer, LineLayer, MeshLayer, PointLayer, Scene

# What a browser draws without stalling; a cloud goes over the wire at 9 bytes a point.
POINT_BUDGET = 2_000_000
_GROUND = (237, 241, 246)
_PICKED = (220, 40, 60)
# Drawn is what lies between a thousandth and the thousandfold of the way to what is looked at.
_DEPTHS = 1000.0


class Canvas:
    """The layers named `names` (or under them; none: all) on one server.

    Coordinates on the wire are relative to `centre`, because browsers draw in float32.
    """

    def __init__(
        self, server: Any, names: tuple[str, ...], centre: NDArray[np.float64], up: NDArray[np.float64]
    ) -> None:
        self.server, self.names = server, names
        self._centre, self._up = centre, up
        self.nodes: dict[str, Any] = {}
        self._marks: list[Any] = []
        server.scene.set_up_direction(tuple(up))
        server.scene.set_background_image(np.full((2, 2, 3), _GROUND, dtype=np.uint8))

    def draw(self, scene: Scene, point_scale: float) -> list[Legend]:
        """Make the nodes those of the scene's layers that belong here; return what their colours stand for.

        Layers that are not visible are on the page too, hidden.
        """
        legends = []
        for layer in scene.layers:
            if is_in(layer.name, self.names):
                legend = self._add(layer, point_scale)
                self.nodes[layer.name].visible = layer.visible
                legends += [legend] if legend is not None and layer.visible else []
        return legends

    def set_visible(self, name: str, visible: bool) -> None:
        """Show or hide a layer, if it belongs here."""
        if name in self.nodes:
            self.nodes[name].visible = visible

    def resize(self, scene: Scene, point_scale: float) -> None:
        """Draw points larger or smaller."""
        for layer in scene.layers:
            if isinstance(layer, PointLayer) and layer.name in self.nodes:
                self.nodes[layer.name].point_size = self._diameter(layer, point_scale)

    def mark(self, points: list[NDArray[np.float64]], radius: float) -> None:
        """Show picked points [3] and the line between two of them."""
        for node in self._marks:
            node.remove()
        scene = self.server.scene
        places = [p - self._centre for p in points]
        self._marks = [
            scene.add_icosphere(f"/picked/{k}", radius, _PICKED, position=tuple(p)) for k, p in enumerate(places)
        ]
        if len(places) == 2:
            segment = np.stack(places)[None].astype(np.float32)
            self._marks.append(scene.add_line_segments("/picked/line", segment, _PICKED, line_width=2.0))

    def start_at(self, camera: ViewCamera) -> None:
        """Where browsers begin that are yet to come.

        Told on arrival alone, a browser may lose the angle of view: it sets its own when its page is ready.
        """
        place = self.server.initial_camera
        place.position, place.look_at = self._local(camera.position), self._local(camera.target)
        place.up, place.fov = camera.up, float(np.radians(camera.fov))
        # Its own planes are for scenes of metres.
        reach = float(np.linalg.norm(np.subtract(camera.position, camera.target))) or 1.0
        place.near, place.far = reach / _DEPTHS, reach * _DEPTHS

    def look(self, client: Any, camera: ViewCamera) -> None:
        """Move one browser's camera."""
        with client.atomic():
            client.camera.up_direction = camera.up
            client.camera.position, client.camera.look_at = self._local(camera.position), self._local(camera.target)
            client.camera.fov = float(np.radians(camera.fov))

    def _local(self, point: tuple[float, float, float]) -> tuple[float, ...]:
        return tuple(np.subtract(point, self._centre))

    def camera_of(self, client: Any) -> ViewCamera:
        """Where one browser's camera is."""
        c = client.camera
        eye, target = np.asarray(c.position) + self._centre, np.asarray(c.look_at) + self._centre
        return ViewCamera(tuple(eye), tuple(target), tuple(c.up_direction), float(np.clip(np.degrees(c.fov), 1, 150)))

    def _add(self, layer: Layer, point_scale: float) -> Legend | None:
        scene, name = self.server.scene, f"/{layer.name}"
        if isinstance(layer, PointLayer):
            cloud = thinned_cloud(layer.cloud, POINT_BUDGET)
            colors, legend = layer_point_colors(layer, self._up, cloud)
            points = (cloud.points - self._centre).astype(np.float32)
            self.nodes[layer.name] = scene.add_point_cloud(
                name, points, np.ascontiguousarray(colors), point_size=self._diameter(layer, point_scale),
                point_shape="circle", precision="float32",
            )  # fmt: skip
            return legend
        if isinstance(layer, MeshLayer):
            colors, legend = layer_vertex_colors(layer, self._up)
            self.nodes[layer.name] = scene.add_mesh_trimesh(name, self._trimesh(layer, colors))
            return legend
        assert isinstance(layer, LineLayer)
        colors = np.repeat(layer.colors[:, None, :], 2, axis=1)
        segments = (layer.segments - self._centre).astype(np.float32)
        self.nodes[layer.name] = scene.add_line_segments(name, segments, colors, line_width=layer.width)
        return None

    def _diameter(self, layer: PointLayer, point_scale: float) -> float:
        thinned = thinned_cloud(layer.cloud, POINT_BUDGET)
        spacing = typical_spacing(thinned.points) if len(thinned) else 0.0
        return (layer.point_size or 1.6 * spacing or 0.01) * point_scale

    def _trimesh(self, layer: MeshLayer, colors: NDArray[np.uint8]) -> Any:
        mesh, texture = layer.mesh, layer.shown_texture
        if texture is None:
            return TriangleMesh(mesh.vertices - self._centre, mesh.faces, np.ascontiguousarray(colors)).to_trimesh()
        import trimesh
        from PIL import Image

        # glTF has texture coordinates at vertices: every corner of a face becomes one of its own.
        corners = (mesh.vertices - self._centre)[mesh.faces].reshape(-1, 3)
        material = trimesh.visual.material.PBRMaterial(
            baseColorTexture=Image.fromarray(texture.image), metallicFactor=0.0, roughnessFactor=1.0
        )
        visual = trimesh.visual.TextureVisuals(texture.uv.reshape(-1, 2), material=material)
        faces = np.arange(len(corners)).reshape(-1, 3)
        return trimesh.Trimesh(corners, faces, visual=visual, process=False)
