"""ScanNet's exported layout (Dai et al. 2017), as its SensReader writes it."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from geo3d.errors import FormatError
from geo3d.io.rgbd.association import COLOR_SUFFIXES, DEPTH_SUFFIXES, pictures
from geo3d.io.rgbd.dataset import RGBDDataset
from geo3d.io.rgbd.images import picture_size
from geo3d.io.rgbd.parts import camera_from, first_size, read_matrix, read_poses

logger = logging.getLogger("geo3d.io")


class ScannetFormat:
    """`depth/N.png` (millimetres), `color/N.jpg`, `pose/N.txt` (camera to world), `intrinsic/intrinsic_depth.txt` and
    `intrinsic_color.txt`.  Colour is larger than depth and has its own intrinsics."""

    name = "ScanNet"
    looks_for = "folders depth/, color/, pose/ of N.png, N.jpg, N.txt and intrinsic/intrinsic_depth.txt"

    def detect(self, folder: Path) -> bool:
        return self._intrinsics(folder, "depth") is not None and (folder / "depth").is_dir()

    def open(self, folder: Path) -> RGBDDataset:
        depth_paths = pictures(folder / "depth", DEPTH_SUFFIXES)
        names = [p.stem for p in depth_paths]
        if len(set(names)) != len(names):
            raise FormatError(f"{folder / 'depth'} has two pictures of one name")
        colors = {p.stem: p for p in pictures(folder / "color", COLOR_SUFFIXES)}
        color_paths = [colors.get(n) for n in names]
        file = self._intrinsics(folder, "depth")
        if file is None or not names:
            raise FormatError(f"{folder} has no intrinsic_depth.txt or no depth pictures")
        camera = camera_from(read_matrix(file), first_size(depth_paths, folder), file)
        color_camera = None
        color_file, first = self._intrinsics(folder, "color"), next((p for p in color_paths if p is not None), None)
        if color_file is not None and first is not None:
            color_camera = camera_from(read_matrix(color_file), picture_size(first), color_file)
        for kind in ("depth", "color"):
            extrinsic = folder / "intrinsic" / f"extrinsic_{kind}.txt"
            if extrinsic.is_file() and not np.allclose(read_matrix(extrinsic)[:3], np.eye(4)[:3], atol=1e-4):
                logger.warning("%s is not the identity; it is not applied", extrinsic)
        poses, errors = read_poses([folder / "pose" / f"{n}.txt" for n in names])
        return RGBDDataset(
            self.name,
            folder,
            camera,
            1000.0,
            names,
            np.array([float(n) if n.isdecimal() else float(i) for i, n in enumerate(names)]),
            poses,
            depth_paths,
            color_paths,
            color_camera=color_camera,
            pose_errors=errors,
        )

    def _intrinsics(self, folder: Path, kind: str) -> Path | None:
        places = (folder / "intrinsic", folder / "intrinsics", folder)
        found = (place / f"{stem}_{kind}.txt" for place in places for stem in ("intrinsic", "intrinsics"))
        return next((p for p in found if p.is_file()), None)
