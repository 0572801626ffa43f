"""COLMAP's sparse models, text and binary: cameras, poses and points (colmap.github.io/format.html).

COLMAP's poses map the world to the camera, in OpenCV axes and a scale of its own; its pixel coordinates count from the
corner of the first pixel.  Here poses are camera-to-world and pixel (0, 0) is the first pixel's centre.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError, ShapeError
from geo3d.io.trajectory import rotations_from
from geo3d.types import PinholeCamera, PointCloud

# In the order of COLMAP's model numbers: name, number of parameters.
_MODELS = (
    ("SIMPLE_PINHOLE", 3),
    ("PINHOLE", 4),
    ("SIMPLE_RADIAL", 4),
    ("RADIAL", 5),
    ("OPENCV", 8),
    ("OPENCV_FISHEYE", 8),
    ("FULL_OPENCV", 12),
    ("FOV", 5),
    ("SIMPLE_RADIAL_FISHEYE", 4),
    ("RADIAL_FISHEYE", 5),
    ("THIN_PRISM_FISHEYE", 12),
)
_BROWN = ("SIMPLE_PINHOLE", "PINHOLE", "SIMPLE_RADIAL", "RADIAL", "OPENCV", "FULL_OPENCV")
_PLACES = ("", "sparse/0", "sparse", "colmap/sparse/0", "0")
_FILES = ("cameras", "images", "points3D")
_LARGEST_FILE = 4 << 30
_LONGEST_NAME = 4096


@dataclass(frozen=True, eq=False)
class ColmapImage:
    """One registered picture: its name in the image folder, its camera's number, its camera-to-world pose [4, 4]."""

    name: str
    camera: int
    T_world_camera: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ColmapModel:
    """A sparse model.

    cameras  by COLMAP's number
    images   in order of their names
    points   coloured; attributes `error` (pixels) and `views` (how many pictures see the point)
    """

    cameras: Mapping[int, PinholeCamera]
    images: tuple[ColmapImage, ...]
    points: PointCloud


def is_colmap(folder: Path) -> bool:
    """True if there is a model in `folder` or in its `sparse/0`."""
    names = [[f"{name}{suffix}" for name in _FILES] for suffix in (".bin", ".txt")]
    return any(all((folder / place / n).is_file() for n in kind) for place in _PLACES for kind in names)


def describe_colmap(folder: Path) -> str | None:
    """Of a folder with a model, or with a part of one, why it is no RGB-D folder; None of other folders."""
    if is_colmap(folder):
        return (
            f"{folder} is a COLMAP model, which has no depth; `geo3d convert {folder} poses.tum` (or points.ply) takes "
            f"its poses (or points), and `geo3d view {folder}` shows them"
        )
    for place in (folder / p for p in _PLACES):
        # Names of text files are others' too.
        for suffix, least in ((".bin", 1), (".txt", 2)):
            missing = [f"{name}{suffix}" for name in _FILES if not (place / f"{name}{suffix}").is_file()]
            if len(_FILES) - len(missing) >= least:
                return f"{place} holds a part of a COLMAP model: {' and '.join(missing)} must be there too"
    return None


def read_colmap(folder: str | Path) -> ColmapModel:
    """Read the model in `folder` or in its `sparse/0`; the binary files are taken where both kinds lie there.

    Raises `FormatError` on damaged files and on fisheye models, which `PinholeCamera` cannot express.
    """
    folder = Path(folder)
    for place in (folder / p for p in _PLACES):
        for suffix in (".bin", ".txt"):
            files = [place / f"{name}{suffix}" for name in _FILES]
            if all(f.is_file() for f in files):
                return _read(files, binary=suffix == ".bin")
    raise FormatError(
        f"{folder} holds no COLMAP model (cameras, images and points3D as .bin or .txt, also in sparse/0)"
    )


def _read(files: list[Path], binary: bool) -> ColmapModel:
    readers = (
        (_cameras_binary, _images_binary, _points_binary) if binary else (_cameras_text, _images_text, _points_text)
    )
    try:
        cameras = readers[0](_content(files[0]))
        images = sorted(readers[1](_content(files[1])), key=lambda i: i.name)
        points = readers[2](_content(files[2]))
    except (struct.error, IndexError, ValueError, UnicodeDecodeError, OverflowError) as error:
        if isinstance(error, (FormatError, ShapeError)):
            raise FormatError(f"{files[0].parent}: {error}") from None
        raise FormatError(f"the COLMAP model in {files[0].parent} is damaged: {error}") from error
    unknown = next((i for i in images if i.camera not in cameras), None)
    if unknown is not None:
        raise FormatError(f"{files[1]}: picture {unknown.name} names camera {unknown.camera}, which is not there")
    return ColmapModel(cameras, tuple(images), points)


def _content(path: Path) -> bytes:
    if path.stat().st_size > _LARGEST_FILE:
        raise FormatError(f"{path} has {path.stat().st_size >> 20} MiB; up to {_LARGEST_FILE >> 20} are read")
    return path.read_bytes()


def _camera(model: str, width: int, height: int, p: list[float]) -> PinholeCamera:
    count = dict(_MODELS).get(model)
    if count is None:
        raise FormatError(f"unknown camera model '{model}' (known: {', '.join(_BROWN)})")
    if model not in _BROWN:
        raise FormatError(f"camera model {model} is a fisheye; undistort with `colmap image_undistorter` first")
    if len(p) != count:
        raise FormatError(f"camera model {model} has {count} parameters, got {len(p)}")
    if not (0 < width < 1 << 20 and 0 < height < 1 << 20):
        raise FormatError(f"a camera of {width}x{height} pixels is not believable")
    one = model in ("SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL")
    fx, fy, cx, cy = (p[0], p[0], p[1], p[2]) if one else p[:4]
    rest = tuple(p[3:] if one else p[4:])
    distortion = (*rest, *(0.0,) * (4 - len(rest))) if rest else ()
    return PinholeCamera(width, height, fx, fy, cx - 0.5, cy - 0.5, distortion)


def _image(name: str, camera: int, row: list[float]) -> ColmapImage:
    """`row` is qw qx qy qz tx ty tz, world to camera."""
    w, x, y, z, *t = row
    if not np.isfinite(row).all():
        raise FormatError(f"the pose of {name} is not finite")
    R = rotations_from(np.array([[x, y, z, w]]))[0].T
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = R, -R @ np.array(t)
    return ColmapImage(name, camera, T)


def _cloud(xyz: list[float], rgb: list[int], error: list[float], views: list[int]) -> PointCloud:
    points = np.array(xyz, dtype=np.float64).reshape(-1, 3)
    colors = np.array(rgb, dtype=np.int64).reshape(-1, 3)
    if colors.size and (colors.min() < 0 or colors.max() > 255):
        raise FormatError(f"colours range from {colors.min()} to {colors.max()}; 0 to 255 are allowed")
    attributes: dict[str, NDArray[Any]] = {
        "error": np.array(error, dtype=np.float64),
        "views": np.array(views, dtype=np.int32),
    }
    return PointCloud(points, colors.astype(np.uint8), None, attributes)


def _lines(data: bytes) -> Iterator[str]:
    return (line for line in data.decode("utf-8").splitlines() if not line.startswith("#"))


def _cameras_text(data: bytes) -> dict[int, PinholeCamera]:
    rows = [line.split() for line in _lines(data) if line.strip()]
    return {int(r[0]): _camera(r[1], int(r[2]), int(r[3]), [float(v) for v in r[4:]]) for r in rows}


def _images_text(data: bytes) -> Iterator[ColmapImage]:
    lines = list(_lines(data))
    # A picture has two lines; the second, its points, may be empty.
    for line in lines[::2]:
        if line.strip():
            words = line.split(maxsplit=9)
            yield _image(words[9].strip(), int(words[8]), [float(v) for v in words[1:8]])


def _points_text(data: bytes) -> PointCloud:
    xyz, rgb, errors, views = list[float](), list[int](), list[float](), list[int]()
    for line in _lines(data):
        words = line.split()
        if not words:
            continue
        if len(words) < 8:
            raise FormatError(f"a point's line has {len(words)} numbers, at least 8 are needed")
        xyz += map(float, words[1:4])
        rgb += map(int, words[4:7])
        errors.append(float(words[7]))
        views.append((len(words) - 8) // 2)
    return _cloud(xyz, rgb, errors, views)


def _count(data: bytes, smallest: int) -> int:
    """The number of entries that a binary file claims, which its size must allow."""
    (count,) = struct.unpack_from("<Q", data)
    if count * smallest > len(data) - 8:
        raise FormatError(f"the file claims {count} entries in {len(data)} bytes")
    return int(count)


def _cameras_binary(data: bytes) -> dict[int, PinholeCamera]:
    cameras: dict[int, PinholeCamera] = {}
    at = 8
    for _ in range(_count(data, 48)):
        number, model, width, height = struct.unpack_from("<IiQQ", data, at)
        if not 0 <= model < len(_MODELS):
            raise FormatError(f"unknown camera model number {model} (0 to {len(_MODELS) - 1})")
        name, count = _MODELS[model]
        cameras[number] = _camera(name, width, height, list(struct.unpack_from(f"<{count}d", data, at + 24)))
        at += 24 + 8 * count
    return cameras


def _images_binary(data: bytes) -> Iterator[ColmapImage]:
    at = 8
    for _ in range(_count(data, 73)):
        values = struct.unpack_from("<I7dI", data, at)
        end = data.index(b"\0", at + 64, at + 64 + _LONGEST_NAME)
        name = data[at + 64 : end].decode("utf-8")
        (points,) = struct.unpack_from("<Q", data, end + 1)
        if points * 24 > len(data) - end - 9:
            raise FormatError(f"picture {name} claims {points} points, more than the file has bytes for")
        at = end + 9 + 24 * points
        yield _image(name, values[8], list(values[1:8]))


def _points_binary(data: bytes) -> PointCloud:
    xyz, rgb, errors, views = list[float](), list[int](), list[float](), list[int]()
    at = 8
    for _ in range(_count(data, 51)):
        _, x, y, z, r, g, b, error, track = struct.unpack_from("<Q3d3BdQ", data, at)
        if track * 8 > len(data) - at - 51:
            raise FormatError(f"a point claims {track} views, more than the file has bytes for")
        xyz += (x, y, z)
        rgb += (r, g, b)
        errors.append(error)
        views.append(track)
        at += 51 + 8 * track
    return _cloud(xyz, rgb, errors, views)
