"""7-Scenes and its cousins (3DMatch, tsdf-fusion): `frame-000123.depth.png` with colour and pose beside it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError
from geo3d.io.rgbd.dataset import RGBDDataset
from geo3d.io.rgbd.parts import camera_from, first_size, number, read_json, read_matrix, read_poses
from geo3d.types import PinholeCamera

_DEPTH = re.compile(r"(frame-(\d+))\.depth\.(png|tif|tiff|pgm|npy)", re.IGNORECASE)
_COLOR = (".color.png", ".color.jpg", ".color.jpeg", ".rgb.png", ".rgb.jpg")
_INTRINSICS = ("intrinsics.txt", "camera-intrinsics.txt", "camera_intrinsics.txt")
# Shotton et al. 2013: the Kinect's nominal values, given with the data set.
_NOMINAL: NDArray[np.float64] = np.array([[585.0, 0, 320], [0, 585.0, 240], [0, 0, 1]])


class FramesFormat:
    """`frame-N.depth.png` (millimetres unless meta.json says otherwise; 0 and 65535 = none), `frame-N.color.png|jpg`,
    `frame-N.pose.txt` (camera to world), and optionally `intrinsics.txt` (here or one folder up) and `meta.json`
    (`width`, `height`, `depth_scale` in steps per metre)."""

    name = "7-Scenes"
    looks_for = "frame-000000.depth.png with frame-000000.color.png|jpg (and .pose.txt, intrinsics.txt, meta.json)"

    def detect(self, folder: Path) -> bool:
        return any(_DEPTH.fullmatch(p.name) for p in folder.glob("frame-*.depth.*"))

    def open(self, folder: Path) -> RGBDDataset:
        found = [(m, p) for p in folder.glob("frame-*.depth.*") if (m := _DEPTH.fullmatch(p.name))]
        found.sort(key=lambda mp: (int(mp[0][2]), mp[0][1]))
        depth_paths = [p for _, p in found]
        names = [m[1] for m, _ in found]
        if len(set(names)) != len(names):
            raise FormatError(f"{folder} has two depth pictures of one frame")
        present = {p.name for p in folder.iterdir()}
        color_paths = [next((folder / f"{n}{s}" for s in _COLOR if f"{n}{s}" in present), None) for n in names]
        meta_file = folder / "meta.json"
        meta: dict[str, Any] = read_json(meta_file) if meta_file.is_file() else {}
        poses, errors = read_poses([folder / f"{n}.pose.txt" for n in names])
        return RGBDDataset(
            self.name,
            folder,
            self._camera(folder, depth_paths, meta),
            number(meta.get("depth_scale", 1000), "depth_scale", meta_file),
            names,
            np.array([float(m[2]) for m, _ in found]),
            poses,
            depth_paths,
            color_paths,
            no_depth=(65535,),
            pose_errors=errors,
        )

    def _camera(self, folder: Path, depth_paths: list[Path], meta: dict[str, Any]) -> PinholeCamera:
        if "width" in meta and "height" in meta:
            size = (int(number(meta["width"], "width", folder)), int(number(meta["height"], "height", folder)))
        else:
            size = first_size(depth_paths, folder)
        places = [place / name for place in (folder, folder.parent) for name in _INTRINSICS]
        file = next((p for p in places if p.is_file()), None)
        if file is not None:
            return camera_from(read_matrix(file), size, file)
        return camera_from(_NOMINAL, (640, 480), folder).resized(*size)
