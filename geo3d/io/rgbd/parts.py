"""What the folder layouts have in common: matrices, pose files, intrinsics, JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError, ShapeError
from geo3d.io.rgbd.images import picture_size
from geo3d.io.text import parse_numbers
from geo3d.types import PinholeCamera
from geo3d.types.checks import as_transform

_LARGEST_TEXT = 64 << 20


def read_text(path: Path) -> bytes:
    """Return a small text file's bytes."""
    if not path.is_file():
        raise FormatError(f"{path}: no such file")
    if path.stat().st_size > _LARGEST_TEXT:
        raise FormatError(f"{path} has {path.stat().st_size >> 20} MiB; a text file of this kind is far smaller")
    return path.read_bytes()


def read_matrix(path: Path) -> NDArray[np.float64]:
    """[3, 3] or [4, 4] matrix of a text file with 9, 12 or 16 numbers; 12 are a 4x4 without its last row."""
    try:
        numbers = parse_numbers(read_text(path).translate(bytes.maketrans(b",;[]", b"    ")))
    except FormatError as error:
        raise FormatError(f"{path.name}: {error}") from None
    if len(numbers) == 12:
        numbers = np.concatenate([numbers, [0, 0, 0, 1]])
    if len(numbers) not in (9, 16):
        raise FormatError(f"{path.name} has {len(numbers)} numbers; a matrix has 9 or 16")
    side = 3 if len(numbers) == 9 else 4
    return numbers.reshape(side, side)


def checked_pose(matrix: NDArray[np.float64], source: str) -> tuple[NDArray[np.float64] | None, str]:
    """Return (rigid pose, "") or (None, what is wrong with it)."""
    if matrix.shape != (4, 4):
        return None, f"the pose in {source} is {matrix.shape[0]}x{matrix.shape[1]}, not 4x4"
    if not np.isfinite(matrix).all():
        return None, f"the pose in {source} is not finite (tracking was lost)"
    try:
        return as_transform(matrix, f"the pose in {source}"), ""
    except ShapeError as error:
        return None, str(error)


def read_poses(paths: list[Path | None]) -> tuple[list[NDArray[np.float64] | None], dict[int, str]]:
    """Return (poses, errors by index) of pose files; None or a file that is not there gives None and no error."""
    poses: list[NDArray[np.float64] | None] = []
    errors: dict[int, str] = {}
    for i, path in enumerate(paths):
        pose, problem = None, ""
        if path is not None and path.is_file():
            try:
                pose, problem = checked_pose(read_matrix(path), path.name)
            except FormatError as error:
                problem = str(error)
        if problem:
            errors[i] = problem
        poses.append(pose)
    return poses, errors


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file."""
    try:
        value = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise FormatError(f"{path} holds a JSON {type(value).__name__}, an object is needed")
    return value


def number(value: Any, name: str, source: Path) -> float:
    """Return a finite number out of JSON, or raise `FormatError` naming it."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not np.isfinite(value):
        raise FormatError(f"{source}: '{name}' must be a finite number, got {str(value)[:40]}")
    return float(value)


def camera_from(K: NDArray[np.float64], size: tuple[int, int], source: Path) -> PinholeCamera:
    """Return the camera of an intrinsic matrix and a (width, height)."""
    try:
        return PinholeCamera(*size, float(K[0, 0]), float(K[1, 1]), float(K[0, 2]), float(K[1, 2]))
    except ShapeError as error:
        raise FormatError(f"{source}: {error}") from None


def first_size(paths: list[Path], folder: Path) -> tuple[int, int]:
    """(width, height) of the first picture that can be opened, looking at no more than 50 of them."""
    for path in paths[:50]:
        try:
            return picture_size(path)
        except FormatError:
            continue
    raise FormatError(f"{folder}: none of the first {min(len(paths), 50)} depth pictures can be opened")
