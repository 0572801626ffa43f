"""A scene and a camera become a picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from geo3d_viewer.camera import ViewCamera
from geo3d_viewer.coloring import layer_point_colors, layer_vertex_colors
from geo3d_viewer.density import typical_spacing
from geo3d_viewer.palette import Legend
from geo3d_viewer.raster.clip import clip_segments, clip_triangles
from geo3d_viewer.raster.discs import draw_discs
from geo3d_viewer.raster.shading import background, corner_normals, eye_dome, lambert
from geo3d_viewer.scene import LineLayer, MeshLayer, PointLayer, Scene

_LARGEST_DISC = 24.0  # pixels of the finished picture
_SMALLEST_DISC = 1.3
_EDGE_STRENGTH = 90.0


@dataclass(frozen=True, eq=False)
class Picture:
    """What the camera sees.

    color    [H, W, 3] uint8 RGB
    depth    [H, W] float32, metres along the view, inf where there is nothing
    legends  what the colours stand for, by layer name
    """

    color: NDArray[np.uint8]
    depth: NDArray[np.float32]
    legends: dict[str, Legend]

    @property
    def coverage(self) -> float:
        """The fraction of pixels on which something was drawn."""
        return float(np.isfinite(self.depth).mean())


@dataclass(frozen=True, eq=False)
class _Target:
    """The buffers, and the view as the kernels want it: float32, relative to `centre` (UTM-sized coordinates)."""

    depth: NDArray[np.float32]
    color: NDArray[np.uint8]
    centre: NDArray[np.float64]
    R: NDArray[np.float32]
    t: NDArray[np.float32]
    focal: float
    near: float
    pixels: int

    def to_camera(self, points: NDArray[np.float64]) -> NDArray[np.float32]:
        return ((points - self.centre) @ self.R.astype(np.float64).T + self.t).astype(np.float32)


def render(
    scene: Scene,
    camera: ViewCamera,
    size: tuple[int, int] = (960, 720),
    *,
    up: NDArray[np.float64],
    supersample: int = 2,
) -> Picture:
    """Draw the visible layers.

    size         width and height in pixels
    up           [3] against gravity: heights and sky light follow it
    supersample  samples per pixel and axis
    """
    width, height = size
    target = _target(scene, camera, width * supersample, height * supersample, supersample)
    legends = {}
    for layer in scene.visible_layers:
        legend = None
        if isinstance(layer, PointLayer):
            legend = _points(layer, target, up)
        elif isinstance(layer, MeshLayer):
            legend = _mesh(layer, target, camera, up)
        else:
            _lines(layer, target)
        if legend is not None:
            legends[layer.name] = legend
    shade = eye_dome(target.depth, max(1, supersample), _EDGE_STRENGTH)
    covered = np.isfinite(target.depth)[..., None]
    color = np.where(covered, target.color * shade[..., None], background(*target.depth.shape))
    samples = [np.s_[i::supersample, j::supersample] for i in range(supersample) for j in range(supersample)]
    mean = sum((color[at] for at in samples[1:]), color[samples[0]]) / np.float32(len(samples))
    depth = reduce(np.minimum, (target.depth[at] for at in samples))
    return Picture(np.rint(mean).astype(np.uint8), np.ascontiguousarray(depth), legends)


def _target(scene: Scene, camera: ViewCamera, width: int, height: int, pixels: int) -> _Target:
    T = camera.T_world_camera
    centre = np.asarray(camera.target, dtype=np.float32).astype(np.float64)
    R = T[:3, :3].T
    reach = np.linalg.norm(np.subtract(camera.target, camera.position))
    return _Target(
        np.full((height, width), np.inf, np.float32),
        np.zeros((height, width, 3), np.uint8),
        centre,
        R.astype(np.float32),
        (R @ (centre - camera.position)).astype(np.float32),
        camera.focal(height),
        float(reach) * 1e-3,
        pixels,
    )


def _points(layer: PointLayer, target: _Target, up: NDArray[np.float64]) -> Legend | None:
    if not len(layer.cloud):
        return None
    colors, legend = layer_point_colors(layer, up)
    spacing = layer.point_size or 2.0 * typical_spacing(layer.cloud.points)
    points = layer.cloud.points
    # Single-precision coordinates lose nothing when the centre, which they can hold, is taken off in that precision.
    centre = target.centre.astype(np.float32) if points.dtype == np.float32 else target.centre
    xyz = np.ascontiguousarray(points - centre, dtype=np.float32)
    least, most = _SMALLEST_DISC * target.pixels, _LARGEST_DISC * target.pixels
    work = (
        xyz, np.ascontiguousarray(colors), target.R, target.t, target.focal,
        spacing, least, most, target.near, target.depth, target.color,
    )  # fmt: skip
    if not draw_discs(*work):
        from geo3d_viewer.raster.kernels import draw_points

        draw_points(*work)
    return legend


def _mesh(layer: MeshLayer, target: _Target, camera: ViewCamera, up: NDArray[np.float64]) -> Legend | None:
    from geo3d_viewer.raster.kernels import draw_triangles

    mesh = layer.mesh
    if not len(mesh.faces):
        return None
    colors, legend = layer_vertex_colors(layer, up)
    normals = corner_normals(mesh.vertices, mesh.faces)
    to_eye = np.asarray(camera.position) - mesh.vertices[mesh.faces]
    to_eye /= np.maximum(np.linalg.norm(to_eye, axis=2, keepdims=True), 1e-12)
    T = camera.T_world_camera
    light = -T[:3, 2] - 0.7 * T[:3, 1] - 0.45 * T[:3, 0]
    texture = layer.shown_texture
    is_photo = layer.color_by in ("auto", "rgb") and (texture is not None or mesh.vertex_colors is not None)
    shade = lambert(normals, to_eye, light / np.linalg.norm(light), up, strength=0.35 if is_photo else 1.0)[..., None]
    corners = target.to_camera(mesh.vertices)[mesh.faces]
    if texture is None:
        values = colors[mesh.faces].astype(np.float32) * shade
    else:
        values = np.concatenate([texture.uv, shade], axis=2).astype(np.float32)
    corners, values = clip_triangles(corners, values, target.near)
    keep = np.ones(len(corners), dtype=np.bool_)
    if not layer.two_sided:
        # In the camera's frame a face seen from the front has its normal towards the origin.
        normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        keep = (normal * corners[:, 0]).sum(axis=1) < 0
    if texture is None:
        draw_triangles(corners, values, keep, target.focal, target.depth, target.color)
    else:
        from geo3d_viewer.raster.textured import draw_textured, fitted_image

        image = fitted_image(texture.image, corners, values, target.focal)
        draw_textured(corners, values, keep, image, target.focal, target.depth, target.color)
    return legend


def _lines(layer: LineLayer, target: _Target) -> None:
    from geo3d_viewer.raster.kernels import draw_segments

    if not len(layer.segments):
        return
    segments = target.to_camera(layer.segments.reshape(-1, 3)).reshape(-1, 2, 3)
    segments, kept = clip_segments(segments, target.near)
    rgb = np.ascontiguousarray(layer.colors[kept])
    draw_segments(segments, rgb, target.focal, layer.width * target.pixels, target.depth, target.color)
