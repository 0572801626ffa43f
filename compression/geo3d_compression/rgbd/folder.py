"""What a folder of frames holds, for coding: colour frames in order, their depth and poses, and all other files."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError, Geo3DError
from geo3d_compression.rgbd.motion import Calibration, Motion

_JPEG = (".jpg", ".jpeg")
_MAX_FILES = 1 << 20


@dataclass(frozen=True)
class FrameFiles:
    """One colour frame: its file, the depth picture in front of it, the depth camera's pose; names are relative."""

    color: str
    depth: str | None
    T_world_depth: NDArray[np.float64] | None


@dataclass(frozen=True)
class FrameFolder:
    """A folder's files (all of them, sorted) and its colour frames in order of time.

    calibration   None where the folder says nothing of cameras
    no_depth      depth values that mean "none" beside 0
    depths        depth pictures in order of time, with their camera's pose
    """

    folder: Path
    files: list[str]
    frames: list[FrameFiles]
    calibration: Calibration | None
    no_depth: tuple[int, ...]
    depths: list[tuple[str, NDArray[np.float64] | None]] = field(default_factory=list)


def read_folder(folder: Path) -> FrameFolder:
    """List a folder.  Anything goes: what is not a colour frame is kept as a file."""
    if not folder.is_dir():
        raise FormatError(f"{folder} is not a folder")
    paths = sorted(p for p in folder.rglob("*") if p.is_file() or p.is_symlink())
    if any(p.is_symlink() and p.is_dir() for p in paths):
        raise FormatError(f"{folder} holds links to folders; a folder is kept only if all its files lie in it")
    if not paths:
        raise FormatError(f"{folder} holds no files")
    if len(paths) > _MAX_FILES:
        raise FormatError(f"{folder} holds {len(paths)} files; at most {_MAX_FILES} fit into one item")
    files = [p.relative_to(folder).as_posix() for p in paths]
    try:
        return _with_cameras(folder, files)
    except Geo3DError:
        jpegs = sorted((f for f in files if f.lower().endswith(_JPEG)), key=natural)
        return FrameFolder(folder, files, [FrameFiles(f, None, None) for f in jpegs], None, ())


def natural(name: str) -> list[tuple[int, str]]:
    """`frame10` after `frame9`."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _with_cameras(folder: Path, files: list[str]) -> FrameFolder:
    from geo3d.io.rgbd import open_rgbd

    data = open_rgbd(folder)
    known = set(files)
    frames = []
    for color, depth, pose in zip(data.color_paths, data.depth_paths, data.T_world_camera, strict=True):
        if color is None or color.suffix.lower() not in _JPEG:
            continue
        color_name, depth_name = _inside(folder, color), _inside(folder, depth)
        if color_name in known:
            frames.append(FrameFiles(color_name, depth_name if depth_name in known else None, pose))
    c = data.camera
    k = (c.fx, c.fy, c.cx, c.cy)
    color_camera = data.color_camera
    kc = k if color_camera is None else (color_camera.fx, color_camera.fy, color_camera.cx, color_camera.cy)
    pairs = zip(data.depth_paths, data.T_world_camera, strict=True)
    depths = [(name, T) for path, T in pairs if (name := _inside(folder, path)) in known and name is not None]
    calibration = Calibration(k, kc, Motion(), data.depth_scale)
    return FrameFolder(folder, files, frames, calibration, data.no_depth, depths)


def _inside(folder: Path, path: Path) -> str | None:
    try:
        return path.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        return None


def depth_of(data: bytes, no_depth: tuple[int, ...]) -> NDArray[np.uint16] | None:
    """[H, W] uint16 of a depth picture's bytes, the same on every machine, or None if it is none."""
    import PIL
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as picture:
            if picture.format != "PNG" or picture.mode not in ("I;16", "I;16B", "L", "I"):
                return None
            values = np.asarray(picture)
    except (OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError):
        return None
    if values.ndim != 2 or values.min() < 0 or values.max() > 65535:
        return None
    depth = values.astype(np.uint16)
    for value in no_depth:
        depth[depth == value] = 0
    return depth
