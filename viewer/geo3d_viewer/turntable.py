"""A film of a scene that turns once."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np

from geo3d.console import progress
from geo3d.errors import FormatError, ShapeError
from geo3d.io.atomic import atomic_path
from geo3d.optional import require
from geo3d_viewer.camera import ViewCamera
from geo3d_viewer.framing import auto_camera, looking_along, visible_points
from geo3d_viewer.legend import with_legends
from geo3d_viewer.raster import render
from geo3d_viewer.scene import as_scene
from geo3d_viewer.upright import scene_up


def turntable(
    x: Any,
    path: str | os.PathLike[str],
    size: tuple[int, int] = (640, 480),
    camera: Literal["auto"] | ViewCamera = "auto",
    *,
    seconds: float = 6.0,
    rate: int = 24,
) -> int:
    """Write an `.mp4` of `x` (see `as_scene`) turning once about its vertical; return the number of frames.

    The last frame leads into the first.  The automatic camera stands far enough away for every side to be in view.
    Needs the extra `video`.
    """
    av = require("av", "video", "a turntable film")
    if Path(path).suffix.lower() != ".mp4":
        raise FormatError(f"cannot write {path}: a turntable's name ends in .mp4")
    width, height = size
    if width % 2 or height % 2 or min(size) < 16 or max(size) > 4096:
        raise ShapeError(f"a film's sides are even numbers from 16 to 4096, got {width}x{height}")
    scene = as_scene(x)
    if camera == "auto":
        camera, up = auto_camera(scene, size)
        camera = _seeing_all_round(camera, visible_points(scene), size)
    else:
        up = scene_up(scene)
    frames = max(1, round(seconds * rate))
    with atomic_path(path) as temporary, av.open(str(temporary), "w") as film:
        stream = film.add_stream("libx264", rate=Fraction(rate), options={"crf": "20", "preset": "medium"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for i in progress(range(frames), "turntable", frames):
            seen = render(scene, camera.orbited(2 * np.pi * i / frames), size, up=up)
            image = np.ascontiguousarray(with_legends(seen))
            film.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        film.mux(stream.encode())
    return frames


def _seeing_all_round(camera: ViewCamera, points: np.ndarray[Any, Any], size: tuple[int, int]) -> ViewCamera:
    """The camera moved back until the points' whole turn about the middle of their box is in view."""
    up = np.asarray(camera.up) / np.linalg.norm(camera.up)
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    arm = points - middle
    height = arm @ up
    radius = np.linalg.norm(arm - height[:, None] * up, axis=1)
    forward = camera.T_world_camera[:3, 2]
    side = np.cross(forward, up)
    side = side / np.linalg.norm(side) if np.linalg.norm(side) > 1e-9 else camera.T_world_camera[:3, 0]
    ahead = np.cross(up, side)
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    rims = [middle + height[:, None] * up + radius[:, None] * (np.cos(a) * side + np.sin(a) * ahead) for a in angles]
    swept = np.concatenate([rim[:: max(1, len(rim) // 3000)] for rim in rims])
    framed = looking_along(swept, forward, np.asarray(camera.up), size[0] / size[1], camera.fov)
    # The turn is about the vertical through the target, which therefore stands where the view meets the middle's.
    eye = np.asarray(framed.position)
    level = forward - (forward @ up) * up
    reach = float((middle - eye) @ level / (level @ level)) if level @ level > 0.01 else float((middle - eye) @ forward)
    target = eye + max(reach, 1e-9) * forward
    return ViewCamera(tuple(eye), tuple(target), camera.up, camera.fov)
