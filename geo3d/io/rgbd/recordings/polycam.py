"""Polycam's raw data: pictures, depth, confidence and a JSON of each picture's camera."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError, ShapeError
from geo3d.io.rgbd.association import COLOR_SUFFIXES, natural_key, pictures
from geo3d.io.rgbd.images import read_color, read_depth
from geo3d.io.rgbd.parts import checked_pose, number, read_json
from geo3d.io.rgbd.recordings.recording import MILLIMETRES, RecordedFrame
from geo3d.io.rgbd.transforms_entries import opengl_pose
from geo3d.types import PinholeCamera, RGBDFrame

_MICROSECONDS = 1e-6


class PolycamFormat:
    """`keyframes/{images,cameras,depth,confidence}`, or after Polycam's own optimisation `corrected_images` and
    `corrected_cameras`.  Files are named by microseconds.  A camera holds fx fy cx cy width height and the rows t_00
    ... t_23 of camera to world (OpenGL axes, y up); depth is 16 bit, millimetres; confidence 0 is dropped."""

    name = "Polycam"
    looks_for = "a folder with keyframes/cameras and keyframes/depth (Polycam's raw data)"

    def detect(self, path: Path) -> bool:
        keyframes = path / "keyframes"
        has_cameras = (keyframes / "cameras").is_dir() or (keyframes / "corrected_cameras").is_dir()
        return has_cameras and (keyframes / "depth").is_dir()

    def frames(self, path: Path) -> Iterator[RecordedFrame]:
        keyframes = path / "keyframes"
        corrected = keyframes / "corrected_cameras"
        is_corrected = corrected.is_dir() and any(corrected.glob("*.json"))
        prefix = "corrected_" if is_corrected else ""
        cameras = sorted((keyframes / f"{prefix}cameras").glob("*.json"), key=lambda p: natural_key(p.name))
        if not cameras:
            raise FormatError(f"{keyframes} holds no cameras (cameras/*.json)")
        images = {p.stem: p for p in pictures(keyframes / f"{prefix}images", COLOR_SUFFIXES)}
        for file in cameras:
            try:
                yield _frame(keyframes, file, images.get(file.stem))
            except (FormatError, ShapeError) as error:
                yield RecordedFrame(file.stem, None, str(error))


def _frame(keyframes: Path, file: Path, image: Path | None) -> RecordedFrame:
    if image is None:
        raise FormatError("it has no picture")
    about = read_json(file)
    depth = read_depth(keyframes / "depth" / f"{file.stem}.png")
    confidence = keyframes / "confidence" / f"{file.stem}.png"
    if confidence.is_file():
        depth = np.where(read_depth(confidence, depth.shape[::-1]) > 0, depth, 0).astype(np.uint16)
    if not depth.any():
        raise FormatError("no depth at all")
    color = read_color(image)
    camera = _camera(about, color, file).resized(depth.shape[1], depth.shape[0])
    pose, problem = checked_pose(_pose(about, file), file.name)
    if pose is None:
        raise FormatError(problem)
    time = float(file.stem) * _MICROSECONDS if file.stem.isdecimal() else None
    jpeg = image.read_bytes() if image.suffix.lower() in (".jpg", ".jpeg") else None
    return RecordedFrame(
        file.stem, RGBDFrame(depth, camera, MILLIMETRES, color, opengl_pose(pose), time, file.stem), "", jpeg
    )


def _camera(about: dict[str, Any], color: NDArray[np.uint8], file: Path) -> PinholeCamera:
    width, height, fx, fy, cx, cy = (number(about.get(k), k, file) for k in ("width", "height", "fx", "fy", "cx", "cy"))
    camera = PinholeCamera(int(width), int(height), fx, fy, cx, cy)
    return camera.resized(color.shape[1], color.shape[0])


def _pose(about: dict[str, Any], file: Path) -> NDArray[np.float64]:
    rows = [[number(about.get(f"t_{r}{c}"), f"t_{r}{c}", file) for c in range(4)] for r in range(3)]
    return np.array([*rows, [0, 0, 0, 1]], np.float64)
