"""`transforms.json` as nerfstudio, Polycam and instant-ngp use it, with depth pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError, ShapeError
from geo3d.io.rgbd.association import natural_key
from geo3d.io.rgbd.dataset import RGBDDataset
from geo3d.io.rgbd.images import picture_size
from geo3d.io.rgbd.parts import checked_pose, first_size, number, read_json
from geo3d.types import PinholeCamera

_FILE = "transforms.json"
_DEPTH_KEYS = ("depth_file_path", "depth_path")
_CAMERA_MODELS = ("OPENCV", "PINHOLE", "SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL")
# Metres per step of a depth picture.
_UNIT_KEYS = ("depth_unit_scale_factor", "integer_depth_scale")
# OpenGL's camera looks along -z with y up; OpenCV's along z with y down.
_OPENGL_TO_OPENCV = np.diag([1.0, -1.0, -1.0, 1.0])


class TransformsFormat:
    """`transforms.json`: `frames` with `file_path`, `depth_file_path` and `transform_matrix` (camera to world, OpenGL
    axes); intrinsics `fl_x fl_y cx cy w h k1 k2 p1 p2` (or `camera_angle_x`) for all or at each frame.

    Depth is in millimetres unless `depth_unit_scale_factor` (metres a step) says otherwise, and is seen by the colour
    camera at its own resolution.  `cx cy` count from the corner of the first pixel, as COLMAP does.  `applied_scale`
    is undone, so that poses are metres again.
    """

    name = "transforms.json"
    looks_for = "transforms.json whose frames have a depth_file_path (nerfstudio, Polycam)"

    def detect(self, folder: Path) -> bool:
        return (folder / _FILE).is_file()

    def open(self, folder: Path) -> RGBDDataset:
        file = folder / _FILE
        meta = read_json(file)
        listed = meta.get("frames")
        if not isinstance(listed, list) or not all(isinstance(f, dict) for f in listed):
            raise FormatError(f"{file} has no list 'frames' of objects")
        frames = [f for f in listed if self._depth_key(f) is not None]
        if not frames:
            raise FormatError(f"{file}: none of its {len(listed)} frames has a depth_file_path; depth is needed")
        if meta.get("camera_model", "OPENCV") not in _CAMERA_MODELS:
            known = ", ".join(_CAMERA_MODELS)
            raise FormatError(f"{file}: unknown camera_model {meta['camera_model']} (known: {known}); undistort first")
        frames.sort(key=lambda f: natural_key(self._text(f, "file_path", self._depth_key(f) or "", file)))
        depth_paths = [folder / self._text(f, self._depth_key(f) or "", "", file) for f in frames]
        color_paths = [self._color(folder, f, file) for f in frames]
        unit = next((number(meta[k], k, file) for k in _UNIT_KEYS if k in meta), 1e-3)
        if unit <= 0:
            raise FormatError(f"{file}: the depth unit must be positive (metres a step), got {unit}")
        cameras = self._cameras(file, meta, frames, depth_paths, color_paths)
        poses, errors = self._poses(file, meta, frames)
        return RGBDDataset(
            self.name,
            folder,
            cameras[0],
            1 / unit,
            self._names(frames, file),
            np.array([float(t) if _is_number(t := f.get("timestamp")) else float(i) for i, f in enumerate(frames)]),
            poses,
            depth_paths,
            color_paths,
            cameras={i: c for i, c in enumerate(cameras) if c != cameras[0]},
            pose_errors=errors,
        )

    def _depth_key(self, frame: dict[str, Any]) -> str | None:
        return next((k for k in _DEPTH_KEYS if isinstance(frame.get(k), str)), None)

    def _text(self, frame: dict[str, Any], key: str, otherwise: str, file: Path) -> str:
        value = frame.get(key, frame.get(otherwise))
        if not isinstance(value, str) or not value or "\0" in value:
            raise FormatError(f"{file}: a frame's '{key}' must be a file name, got {str(value)[:40]}")
        # Captures processed on Windows name their files with backslashes.
        return value.replace("\\", "/")

    def _color(self, folder: Path, frame: dict[str, Any], file: Path) -> Path | None:
        if "file_path" not in frame:
            return None
        path = folder / self._text(frame, "file_path", "", file)
        # Blender's and NeRF's first data sets leave the suffix out.
        if not path.suffix:
            return next((p for s in (".png", ".jpg", ".jpeg") if (p := path.with_name(path.name + s)).is_file()), path)
        return path

    def _names(self, frames: list[dict[str, Any]], file: Path) -> list[str]:
        paths = [Path(self._text(f, "file_path", self._depth_key(f) or "", file)) for f in frames]
        for names in ([p.stem for p in paths], [p.as_posix() for p in paths]):
            if len(set(names)) == len(names):
                return names
        raise FormatError(f"{file} lists a picture twice")

    def _cameras(
        self,
        file: Path,
        meta: dict[str, Any],
        frames: list[dict[str, Any]],
        depth_paths: list[Path],
        color_paths: list[Path | None],
    ) -> list[PinholeCamera]:
        """The colour cameras at the depth pictures' resolution."""
        size = first_size(depth_paths, file.parent)
        cameras: list[PinholeCamera] = []
        known: tuple[int, int] | None = None
        keys = ("fl_x", "fl_y", "cx", "cy", "w", "h", "k1", "k2", "p1", "p2", "k3", "camera_angle_x")
        for frame, color in zip(frames, color_paths, strict=True):
            values = {k: number(v, k, file) for k in keys if (v := frame.get(k, meta.get(k))) is not None}
            if "w" not in values or "h" not in values:
                known = known or (picture_size(color) if color is not None else size)
                values.update(w=float(known[0]), h=float(known[1]))
            cameras.append(self._camera(file, values).resized(*size))
        return cameras

    def _camera(self, file: Path, v: dict[str, float]) -> PinholeCamera:
        width, height = int(v["w"]), int(v["h"])
        if "fl_x" not in v and "camera_angle_x" not in v:
            raise FormatError(f"{file} gives neither fl_x nor camera_angle_x")
        with np.errstate(divide="ignore"):
            fx = v.get("fl_x") or float(np.float64(width / 2) / np.tan(v["camera_angle_x"] / 2))
        distortion = tuple(v.get(k, 0.0) for k in ("k1", "k2", "p1", "p2", *(["k3"] if v.get("k3") else [])))
        try:
            cx, cy = v.get("cx", width / 2) - 0.5, v.get("cy", height / 2) - 0.5
            return PinholeCamera(width, height, fx, v.get("fl_y", fx), cx, cy, distortion)
        except ShapeError as error:
            raise FormatError(f"{file}: {error}") from None

    def _poses(
        self, file: Path, meta: dict[str, Any], frames: list[dict[str, Any]]
    ) -> tuple[list[NDArray[np.float64] | None], dict[int, str]]:
        scale = number(meta.get("applied_scale", 1.0), "applied_scale", file)
        if scale <= 0:
            raise FormatError(f"{file}: applied_scale must be positive, got {scale}")
        poses: list[NDArray[np.float64] | None] = []
        errors: dict[int, str] = {}
        for i, frame in enumerate(frames):
            pose, problem = None, ""
            if "transform_matrix" in frame:
                pose, problem = self._pose(frame["transform_matrix"], scale)
            if problem:
                errors[i] = problem
            poses.append(pose)
        return poses, errors

    def _pose(self, value: Any, scale: float) -> tuple[NDArray[np.float64] | None, str]:
        try:
            matrix = np.array(value, dtype=np.float64)
        except (ValueError, TypeError, OverflowError):
            return None, "transform_matrix is no matrix of numbers"
        if matrix.shape == (3, 4):
            matrix = np.vstack([matrix, [0, 0, 0, 1]])
        if matrix.shape != (4, 4):
            return None, f"transform_matrix has shape {list(matrix.shape)}, not 4x4"
        matrix[:3, 3] /= scale
        with np.errstate(invalid="ignore"):
            return checked_pose(matrix @ _OPENGL_TO_OPENCV, _FILE)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and bool(np.isfinite(value))
