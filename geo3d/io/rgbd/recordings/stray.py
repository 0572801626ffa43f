"""Stray Scanner's folders: a video, ARKit's poses in a CSV, depth and confidence pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError, ShapeError
from geo3d.io.rgbd.association import natural_key
from geo3d.io.rgbd.images import read_depth
from geo3d.io.rgbd.parts import camera_from, read_matrix, read_text
from geo3d.io.rgbd.recordings.recording import MILLIMETRES, RecordedFrame
from geo3d.io.trajectory import rotations_from
from geo3d.optional import require
from geo3d.types import PinholeCamera, RGBDFrame

_DEPTH_SUFFIXES = (".png", ".npy")


class StrayFormat:
    """`rgb.mp4`, `camera_matrix.csv` (3x3, of the video's pixels), `odometry.csv` (`timestamp, frame, x, y, z, qx, qy,
    qz, qw`: camera to world, OpenCV axes; newer apps add `fx, fy, cx, cy`), `depth/N.png` (millimetres) or `N.npy`,
    and `confidence/N.png` (0 to 2; depth of confidence 0 is dropped).  N is the video's frame."""

    name = "Stray Scanner"
    looks_for = "a folder with rgb.mp4, odometry.csv, camera_matrix.csv and depth/"

    def detect(self, path: Path) -> bool:
        return all((path / n).is_file() for n in ("rgb.mp4", "odometry.csv")) and (path / "depth").is_dir()

    def frames(self, path: Path) -> Iterator[RecordedFrame]:
        av = require("av", "video", "reading Stray Scanner's video")
        rows = _odometry(path / "odometry.csv")
        depths = {p.stem: p for p in sorted((path / "depth").iterdir()) if p.suffix.lower() in _DEPTH_SUFFIXES}
        by_number = {int(stem): p for stem, p in depths.items() if stem.isdecimal()}
        if not by_number:
            raise FormatError(f"{path / 'depth'} holds no pictures named by their frame's number")
        K = read_matrix(path / "camera_matrix.csv")
        last = -1
        for i, color in enumerate(_video(path / "rgb.mp4", av)):
            last = i
            if i in by_number:
                yield _frame(path, by_number[i], i, color, K, rows.get(i))
        for i in sorted(by_number, key=lambda n: natural_key(str(n))):
            if i > last:
                yield RecordedFrame(f"{i:06d}", None, "the video ends before this frame")


def _frame(
    folder: Path, path: Path, i: int, color: NDArray[np.uint8], K: NDArray[np.float64], row: NDArray[np.float64] | None
) -> RecordedFrame:
    name = f"{i:06d}"
    try:
        depth = read_depth(path)
        confidence = folder / "confidence" / f"{path.stem}.png"
        if confidence.is_file():
            depth = np.where(read_depth(confidence, depth.shape[::-1]) > 0, depth, 0).astype(np.uint16)
        if not depth.any():
            raise FormatError("no depth at all")
        camera = _camera(color, K, row, folder).resized(depth.shape[1], depth.shape[0])
        if row is None:
            return RecordedFrame(name, RGBDFrame(depth, camera, MILLIMETRES, color, None, None, name))
        T = np.eye(4)
        T[:3, :3] = rotations_from(row[None, 5:9])[0]
        T[:3, 3] = row[2:5]
        return RecordedFrame(name, RGBDFrame(depth, camera, MILLIMETRES, color, T, float(row[0]), name))
    except (FormatError, ShapeError) as error:
        return RecordedFrame(name, None, str(error))


def _camera(
    color: NDArray[np.uint8], K: NDArray[np.float64], row: NDArray[np.float64] | None, folder: Path
) -> PinholeCamera:
    camera = camera_from(K, (color.shape[1], color.shape[0]), folder / "camera_matrix.csv")
    if row is not None and len(row) >= 13 and np.isfinite(row[9:13]).all() and row[9] > 0:
        fx, fy, cx, cy = map(float, row[9:13])
        return replace(camera, fx=fx, fy=fy, cx=cx, cy=cy)
    return camera


def _odometry(path: Path) -> dict[int, NDArray[np.float64]]:
    """Frame number -> the row's numbers."""
    rows: dict[int, NDArray[np.float64]] = {}
    for number, line in enumerate(read_text(path).decode("utf-8", "replace").splitlines(), start=1):
        words = line.split(",")
        if not line.strip() or (number == 1 and "timestamp" in line):
            continue
        try:
            # An empty field, as some versions write for what they do not measure, is NaN.
            row = np.array([float(w) if w.strip() else np.nan for w in words])
        except ValueError:
            raise FormatError(f"{path}, line {number}: not a row of numbers: '{line[:60]}'") from None
        if len(row) < 9 or not np.isfinite(row[:9]).all():
            raise FormatError(f"{path}, line {number}: needs timestamp, frame, x, y, z, qx, qy, qz, qw")
        rows[int(row[1])] = row
    return rows


def _video(path: Path, av: Any) -> Iterator[NDArray[np.uint8]]:
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise FormatError(f"{path} has no video")
            for frame in container.decode(video=0):
                yield frame.to_ndarray(format="rgb24")
    except av.FFmpegError as error:
        raise FormatError(f"{path} cannot be decoded: {error}") from error
