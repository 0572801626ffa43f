"""Pictures and films in a window or a page: each a plate in a view of its own, all with one camera."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geo3d.types import TriangleMesh
from geo3d_viewer.camera import ViewCamera
from geo3d_viewer.images import psnr, read_image
from geo3d_viewer.linked import Shown, View
from geo3d_viewer.palette import Legend, palette
from geo3d_viewer.scene import MeshLayer, Scene
from geo3d_viewer.texture import Texture
from geo3d_viewer.videos import VideoQuality, compare_videos, opened_video

# A film is shown by so many of its frames, and by no more pixels than these.
_MOST_FRAMES, _MOST_PIXELS = 48, 60_000_000
_FOV = 20.0


@dataclass(frozen=True, eq=False)
class _Column:
    """One view: its title, and a picture for each frame shown."""

    title: str
    images: list[NDArray[np.uint8]]
    legend: Legend | None = None


def pictures_shown(files: Sequence[Path]) -> Shown:
    """The first picture, then each other with its error against the first; all errors in one scale."""
    first, *others = [read_image(f) for f in files]
    rates = [8 * f.stat().st_size / (im.shape[0] * im.shape[1]) for f, im in zip(files[1:], others, strict=True)]
    titles = [
        f"{f.name}, {rate:.3f} bpp, {psnr(first, im):.2f} dB"
        for f, rate, im in zip(files[1:], rates, others, strict=True)
    ]
    names = [f.name for f in files]
    return _shown(
        names, [f"{names[0]}, {first.shape[1]}x{first.shape[0]}", *titles], [[first], *([im] for im in others)]
    )


def films_shown(files: Sequence[Path]) -> Shown:
    """As `pictures_shown`, of frames taken evenly from the films; the one in the middle is shown first."""
    found = [compare_videos(files[0], f) for f in files[1:]]
    columns = [_some_frames(f, found[0] if found else None) for f in files]
    names = [f.name for f in files]
    titles = [names[0], *(_title(f.name, q) for f, q in zip(files[1:], found, strict=True))]
    return _shown(names, titles, columns)


def front_camera(shown: Shown, size: tuple[int, int]) -> ViewCamera:
    """Straight at the plates, which fill a view of this size."""
    box = np.concatenate([la.mesh.vertices for la in shown.scene.layers if isinstance(la, MeshLayer)])
    width, height = (float(v) for v in box.max(axis=0)[:2])
    slope = np.tan(np.radians(_FOV) / 2)
    away = 1.05 * max(height / 2, width / 2 * size[1] / size[0]) / slope
    middle = (width / 2, height / 2)
    return ViewCamera((*middle, away), (*middle, 0.0), (0.0, 1.0, 0.0), _FOV)


def _title(name: str, quality: VideoQuality) -> str:
    rate = "" if quality.bpp is None else f", {quality.bpp:.3f} bpp"
    return f"{name}{rate}, {quality.total_db:.2f} dB"


def _some_frames(path: Path, quality: VideoQuality | None) -> list[NDArray[np.uint8]]:
    with opened_video(path) as frames:
        # Without a comparison nobody has counted them yet.
        count = sum(1 for _ in frames()) if quality is None else len(quality.psnr_db)
        first = next(frames())
        most = max(1, min(_MOST_FRAMES, _MOST_PIXELS // (first.shape[0] * first.shape[1])))
        return list(itertools.islice(frames(), 0, None, max(1, -(-count // most))))


def _shown(names: list[str], titles: list[str], images: list[list[NDArray[np.uint8]]]) -> Shown:
    first = images[0]
    errors = [
        [np.abs(a.astype(np.int16) - b).max(axis=2) for a, b in zip(first, other, strict=True)] for other in images[1:]
    ]
    high = max((float(np.percentile(e, 99.9)) for column in errors for e in column), default=0.0) or 1.0
    legend = Legend("largest error of R, G, B", 0.0, high)
    columns = [_Column(titles[0], first)]
    for name, title, image, error in zip(names[1:], titles[1:], images[1:], errors, strict=True):
        columns.append(_Column(title, image))
        heat = [palette(e / high) for e in error]
        columns.append(_Column(f"error of {name}, dark 0 to bright {high:.3g}", heat, legend))
    layers: list[MeshLayer] = []
    views: list[View] = []
    for number, column in enumerate(columns):
        base = f"{number}: {column.title.split(',')[0]}"
        many = len(column.images) > 1
        shown = len(column.images) // 2
        for k, picture in enumerate(column.images):
            name = f"{base}/frames/{k:03d}" if many else base
            layers.append(replace(_plate(name, picture, column.legend), visible=k == shown))
        views.append((column.title, (base,)))
    up, forward = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, -1.0])
    return Shown(Scene(tuple(layers), up=up, forward=forward, title=titles[0]), tuple(views))


def _plate(name: str, image: NDArray[np.uint8], legend: Legend | None) -> MeshLayer:
    """A picture one metre high, its lower left corner at the origin."""
    width = image.shape[1] / image.shape[0]
    vertices = np.array([[0, 0, 0], [width, 0, 0], [width, 1, 0], [0, 1, 0.0]])
    return plate(name, vertices, image, legend)


def plate(name: str, corners: NDArray[np.float64], image: NDArray[np.uint8], legend: Legend | None = None) -> MeshLayer:
    """A picture on the parallelogram with these corners [4, 3]: lower left, lower right, upper right, upper left."""
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    uv = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)[faces]
    mesh = TriangleMesh(corners, faces, np.full((4, 3), 255, np.uint8))
    return MeshLayer(name, mesh, legend=legend, texture=Texture(uv, np.ascontiguousarray(image)))
