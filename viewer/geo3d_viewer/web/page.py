"""The page: layers as viser nodes, controls that change the same state as the desktop window's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.types import TriangleMesh
from geo3d_viewer.camera import ViewCamera
from geo3d_viewer.coloring import layer_point_colors, layer_vertex_colors
from geo3d_viewer.density import typical_spacing
from geo3d_viewer.desktop.state import WindowState
from geo3d_viewer.framing import auto_camera, visible_points
from geo3d_viewer.lod import thinned_cloud
from geo3d_viewer.scene import Layer, LineLayer, MeshLayer, PointLayer, Scene

# What a browser draws without stalling; a cloud goes over the wire at 9 bytes a point.
POINT_BUDGET = 2_000_000


class Page:
    """One scene on one viser server; every browser that connects sees the same.

    Coordinates on the wire are relative to the scene's centre, because browsers draw in float32.
    """

    def __init__(self, server: Any, scene: Scene, camera: ViewCamera | None = None) -> None:
        points = visible_points(scene)
        self.server = server
        self.state = WindowState(scene)
        self.box = np.stack([points.min(axis=0), points.max(axis=0)])
        self.centre = self.box.mean(axis=0)
        automatic, self.up = auto_camera(scene, (1280, 720))
        self.home = camera or automatic
        self.nodes: dict[str, Any] = {}
        self.checks: dict[str, Any] = {}
        server.scene.set_up_direction(tuple(self.up))
        server.scene.set_background_image(np.full((2, 2, 3), (237, 241, 246), dtype=np.uint8))
        server.on_client_connect(self._look)
        self._controls()
        self._draw()

    def _controls(self) -> None:
        gui = self.server.gui
        gui.configure_theme(control_layout="collapsible", show_logo=False, show_share_button=False)
        gui.set_panel_label(self.state.scene.title[:40] or "geo3d view")
        with gui.add_folder("Layers"):
            for layer in self.state.scene.layers:
                check = gui.add_checkbox(layer.name, layer.visible)
                check.on_update(lambda _event, name=layer.name: self._toggle(name))
                self.checks[layer.name] = check
        if len(self.state.frames) > 1:
            frame = gui.add_slider("Frame (0: all)", 0, len(self.state.frames), 1, 0)
            frame.on_update(lambda _event: self._at_frame(int(frame.value)))
        choice = gui.add_dropdown("Colour by", tuple(self.state.color_choices))
        choice.on_update(lambda _event: self._recolor(choice.value))
        self.legend = gui.add_markdown("")
        size = gui.add_slider("Point size", -1.0, 1.0, 0.05, 0.0)
        size.on_update(lambda _event: self._resize(10.0**size.value))
        gui.add_button("Reset view").on_click(lambda event: self._look(event.client))

    def refined(self, scene: Scene) -> None:
        """Take the same layers in more detail."""
        self.state = self.state.refined(scene)
        self._draw()

    def _toggle(self, name: str) -> None:
        visible = self.checks[name].value
        self.state = replace(self.state, scene=self.state.scene.with_visible(name, visible))
        self.nodes[name].visible = visible

    def _at_frame(self, number: int) -> None:
        self.state = self.state.at_frame(number)
        for name in self.state.frames:
            visible = self.state.scene[name].visible
            self.nodes[name].visible = visible
            self.checks[name].value = visible

    def _recolor(self, color_by: str) -> None:
        self.state = replace(self.state, color_by=color_by)
        self._draw()

    def _resize(self, scale: float) -> None:
        self.state = replace(self.state, point_scale=scale)
        for layer in self.state.scene.layers:
            if isinstance(layer, PointLayer):
                self.nodes[layer.name].point_size = self._diameter(layer)

    def _diameter(self, layer: PointLayer) -> float:
        thinned = thinned_cloud(layer.cloud, POINT_BUDGET)
        return (layer.point_size or 1.6 * typical_spacing(thinned.points) or 0.01) * self.state.point_scale

    def _look(self, client: Any) -> None:
        camera = self.home
        client.camera.up_direction = camera.up
        client.camera.position = tuple(np.subtract(camera.position, self.centre))
        client.camera.look_at = tuple(np.subtract(camera.target, self.centre))
        client.camera.fov = float(np.radians(camera.fov))

    def _draw(self) -> None:
        all_shown = self.state.scene
        for layer in all_shown.layers:
            all_shown = all_shown.with_visible(layer.name, True)
        drawn = replace(self.state, scene=all_shown).drawn(self.box)
        legends = []
        for layer in drawn.layers:
            legend = self._add(layer)
            self.nodes[layer.name].visible = self.state.scene[layer.name].visible
            legends += [legend] if legend is not None else []
        self.legend.content = "  \n".join(
            dict.fromkeys(f"{g.label}: {g.low:.3g} (dark) to {g.high:.3g} (bright)" for g in legends)
        )

    def _add(self, layer: Layer) -> Any:
        scene = self.server.scene
        if isinstance(layer, PointLayer):
            cloud = thinned_cloud(layer.cloud, POINT_BUDGET)
            colors, legend = layer_point_colors(layer, self.up, cloud)
            points = (cloud.points - self.centre).astype(np.float32)
            self.nodes[layer.name] = scene.add_point_cloud(
                f"/{layer.name}", points, np.ascontiguousarray(colors), point_size=self._diameter(layer),
                point_shape="circle", precision="float32",
            )  # fmt: skip
            return legend
        if isinstance(layer, MeshLayer):
            colors, legend = layer_vertex_colors(layer, self.up)
            self.nodes[layer.name] = scene.add_mesh_trimesh(f"/{layer.name}", self._trimesh(layer, colors))
            return legend
        assert isinstance(layer, LineLayer)
        colors = np.repeat(layer.colors[:, None, :], 2, axis=1)
        segments = (layer.segments - self.centre).astype(np.float32)
        self.nodes[layer.name] = scene.add_line_segments(f"/{layer.name}", segments, colors, line_width=layer.width)
        return None

    def _trimesh(self, layer: MeshLayer, colors: NDArray[np.uint8]) -> Any:
        mesh, texture = layer.mesh, layer.shown_texture
        if texture is None:
            return TriangleMesh(mesh.vertices - self.centre, mesh.faces, np.ascontiguousarray(colors)).to_trimesh()
        import trimesh
        from PIL import Image

        # glTF has texture coordinates at vertices: every corner of a face becomes one of its own.
        corners = (mesh.vertices - self.centre)[mesh.faces].reshape(-1, 3)
        material = trimesh.visual.material.PBRMaterial(
            baseColorTexture=Image.fromarray(texture.image), metallicFactor=0.0, roughnessFactor=1.0
        )
        visual = trimesh.visual.TextureVisuals(texture.uv.reshape(-1, 2), material=material)
        faces = np.arange(len(corners)).reshape(-1, 3)
        return trimesh.Trimesh(corners, faces, visual=visual, process=False)
