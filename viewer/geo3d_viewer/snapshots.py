"""A picture file of anything, without a display."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError, ShapeError
from geo3d.io.atomic import atomic_path
from geo3d_viewer.camera import ViewCamera
from geo3d_viewer.framing import auto_camera
from geo3d_viewer.legend import with_legends
from geo3d_viewer.raster import Picture, render
from geo3d_viewer.scene import Scene, as_scene
from geo3d_viewer.upright import scene_up

_LARGEST_SIDE = 8192


@dataclass(frozen=True)
class Snapshot:
    """A picture that was written.

    camera    the view; give it to `snapshot` again for the same picture of the next result
    coverage  the fraction of the picture on which something was drawn
    """

    path: Path
    width: int
    height: int
    camera: ViewCamera
    coverage: float


def picture(
    x: Any, size: tuple[int, int] = (960, 720), camera: Literal["auto"] | ViewCamera = "auto"
) -> tuple[Picture, ViewCamera]:
    """Draw `x` (see `as_scene`) and return the picture with the camera that saw it."""
    width, height = size
    if not (1 <= width <= _LARGEST_SIDE and 1 <= height <= _LARGEST_SIDE):
        raise ShapeError(f"a picture is 1x1 to {_LARGEST_SIDE}x{_LARGEST_SIDE} pixels, got {width}x{height}")
    scene: Scene = as_scene(x)
    if camera == "auto":
        camera, up = auto_camera(scene, size)
    else:
        up = scene_up(scene)
    return render(scene, camera, size, up=up), camera


def drawn_image(x: Any, size: tuple[int, int], camera: Literal["auto"] | ViewCamera) -> NDArray[np.uint8]:
    """The picture of `x` with the legends of its colours, uint8 [H, W, 3]."""
    return with_legends(picture(x, size, camera)[0])


def snapshot(
    x: Any,
    path: str | os.PathLike[str],
    size: tuple[int, int] = (960, 720),
    camera: Literal["auto"] | ViewCamera = "auto",
) -> Snapshot:
    """Write a picture of `x` to a PNG, JPEG or WebP file.

    Needs no display, GPU, Mesa or EGL; the same arguments give the same pixels.

    Parameters
    ----------
    x : a `Scene`, cloud, mesh, trajectory, RGB-D frame, [N, 3] array, or a list of these (`as_scene`).
    size : width and height in pixels.
    camera : where to look from; 'auto' is upright and has everything in view.
    """
    seen, camera = picture(x, size, camera)
    write_image(path, with_legends(seen))
    return Snapshot(Path(path), size[0], size[1], camera, seen.coverage)


def write_image(path: str | os.PathLike[str], image: NDArray[np.uint8]) -> None:
    """Write uint8 [H, W, 3] to an image file, atomically."""
    from PIL import Image

    kinds = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
    kind = kinds.get(Path(path).suffix.lower())
    if kind is None:
        raise FormatError(f"cannot write {path}: a picture's name ends in {', '.join(kinds)}")
    options = {"quality": 92} if kind != "PNG" else {"optimize": False, "compress_level": 6}
    with atomic_path(path) as temporary:
        Image.fromarray(image).save(temporary, kind, **options)
