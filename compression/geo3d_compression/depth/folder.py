"""Depth pictures of a folder, with cameras and poses where its layout is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError
from geo3d.io.files import read_bytes
from geo3d.io.points.npy import parse_npy
from geo3d.io.rgbd import RGBDDataset, open_rgbd
from geo3d.io.rgbd.images import read_depth
from geo3d_compression.depth.sequence import Motions
from geo3d_compression.depth.warp import FixedCamera, fixed_motion


class PictureFiles:
    """Depth pictures that are read when asked for, as uint16 [H, W]."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = list(paths)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, k: int) -> NDArray[np.uint16]:
        return read_depth(self.paths[k])


@dataclass(frozen=True, eq=False)
class DepthSource:
    """What is to be coded: pictures, their file names, and how the camera moved."""

    frames: PictureFiles | NDArray[np.uint16]
    names: list[str]
    camera: FixedCamera | None = None
    motions: Motions | None = None


def read_source(path: Path) -> DepthSource:
    """An RGB-D folder (its depth half), a folder of PNG pictures, one PNG, or an `.npy` of [H, W] or [N, H, W]."""
    if path.is_dir():
        return _folder(path)
    if path.suffix.lower() == ".npy":
        array = parse_npy(read_bytes(path), str(path))
        if array.dtype != np.uint16 or array.ndim not in (2, 3) or not array.size:
            raise FormatError(f"{path}: depth is uint16 [H, W] or [N, H, W], got {array.dtype} {list(array.shape)}")
        array = array.reshape(-1, *array.shape[-2:])
        return DepthSource(array, [f"{k:06d}.png" for k in range(len(array))])
    if path.suffix.lower() != ".png":
        raise FormatError(f"{path}: depth is read from folders, .png and .npy")
    return DepthSource(PictureFiles([path]), [path.name])


def _folder(path: Path) -> DepthSource:
    pictures = sorted(p for p in path.iterdir() if p.suffix.lower() == ".png" and not p.name.startswith("."))
    try:
        dataset = open_rgbd(path)
    except FormatError:
        if not pictures:
            raise
        return DepthSource(PictureFiles(pictures), [p.name for p in pictures])
    if any(p.suffix.lower() != ".png" for p in dataset.depth_paths):
        raise FormatError(f"{path}: depth is coded exactly from .png pictures; this folder has other formats")
    names = [p.resolve().relative_to(path.resolve()).as_posix() for p in dataset.depth_paths]
    camera, motions = _motions(dataset)
    return DepthSource(PictureFiles(dataset.depth_paths), names, camera, motions)


def _motions(dataset: RGBDDataset) -> tuple[FixedCamera | None, Motions | None]:
    poses = dataset.T_world_camera
    if dataset.cameras or all(T is None for T in poses):
        return None, None
    motions: Motions = [None]
    for before, now in pairwise(poses):
        if before is None or now is None:
            motions.append(None)
        else:
            motions.append(fixed_motion(np.linalg.inv(now) @ before, dataset.depth_scale))
    return FixedCamera.of(dataset.camera), motions
