"""Radiance fields: pictures and films through them, and what a scene shows of them."""

from __future__ import annotations

import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geo3d.console import progress
from geo3d.errors import FormatError, ShapeError
from geo3d.io.atomic import atomic_path
from geo3d.optional import require
from geo3d.types import PinholeCamera, PointCloud, Trajectory
from geo3d_viewer.camera import ViewCamera
from geo3d_viewer.frusta import trajectory_layers
from geo3d_viewer.scene import PointLayer, Scene

if TYPE_CHECKING:
    from geo3d_recon.field import RadianceField

_MOST_POINTS = 400_000
_RATE = 24


def is_field(path: Path) -> bool:
    """Whether a file is a `.g3c` with a radiance field, by its table."""
    if path.suffix.lower() != ".g3c" or not path.is_file():
        return False
    from geo3d_compression.container import Container
    from geo3d_recon.field.names import FIELD_FILE

    with Container(path) as container:
        return any(item.name == FIELD_FILE for item in container.items)


def field_scene(field: RadianceField, name: str) -> Scene:
    """Its surface as coloured points, and the cameras that it was made from."""
    mesh = field.surface.mesh
    points = mesh.vertices[:: max(1, -(-len(mesh.vertices) // _MOST_POINTS))]
    cloud = PointCloud(points.astype(np.float32), field.base_colors(points))
    trajectory = Trajectory(field.cameras.times, field.cameras.T_world_camera)
    layers = trajectory_layers(trajectory, field.cameras.camera, prefix=f"{name}/camera")
    return Scene((PointLayer(f"{name}/surface", cloud), *layers), title=name)


def field_picture(
    field: RadianceField, size: tuple[int, int], camera: ViewCamera | None = None, supersample: int = 2
) -> NDArray[np.uint8]:
    """[H, W, 3] what a camera sees; without one, the middle picture of the scan again."""
    if camera is None:
        middle = len(field.cameras) // 2
        pinhole, T = _fitted(field.cameras.camera, size), field.cameras.T_world_color()[middle]
    else:
        f = camera.focal(size[1])
        pinhole = PinholeCamera(*size, f, f, (size[0] - 1) / 2, (size[1] - 1) / 2)
        T = camera.T_world_camera
    color, _ = field.render(pinhole, T, supersample=supersample)
    return np.rint(255 * color).astype(np.uint8)


def render_path(field: RadianceField, path: str | os.PathLike[str], size: tuple[int, int], supersample: int = 2) -> int:
    """Write a film (`.mp4`) along the scan's way, one picture a training pose; the number of pictures."""
    av = require("av", "video", "a film of a path")
    if Path(path).suffix.lower() != ".mp4":
        raise FormatError(f"cannot write {path}: a film's name ends in .mp4")
    if size[0] % 2 or size[1] % 2 or min(size) < 16 or max(size) > 4096:
        raise ShapeError(f"a film's sides are even numbers from 16 to 4096, got {size[0]}x{size[1]}")
    poses = field.cameras.T_world_color()
    pinhole = _fitted(field.cameras.camera, size)
    with atomic_path(path) as temporary, av.open(str(temporary), "w") as film:
        stream = film.add_stream("libx264", rate=Fraction(_RATE), options={"crf": "18", "preset": "medium"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for T in progress(poses, "rendering", len(poses)):
            image = np.rint(255 * field.render(pinhole, T, supersample=supersample)[0]).astype(np.uint8)
            film.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")))
        film.mux(stream.encode())
    return len(poses)


def _fitted(camera: PinholeCamera, size: tuple[int, int]) -> PinholeCamera:
    """The camera with another picture size: the same view in the middle, square pixels kept, nothing cut off."""
    scale = min(size[0] / camera.width, size[1] / camera.height)
    scaled = camera.resized(max(1, round(camera.width * scale)), max(1, round(camera.height * scale)))
    dx, dy = (size[0] - scaled.width) / 2, (size[1] - scaled.height) / 2
    return replace(scaled, width=size[0], height=size[1], cx=scaled.cx + dx, cy=scaled.cy + dy)
