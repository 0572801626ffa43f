"""A scan as a nerfstudio data folder.

transforms.json   OpenGL cameras, intrinsics and distortion, depth files; written last, so it names whole files only
images/ depth/    one picture a frame; depth in millimetres, the unit that nerfstudio assumes
sparse_pc.ply     coloured points in the frame of the poses
export.json       where it came from, and the frames that are left out, each with its reason
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from geo3d.console import progress, to_json
from geo3d.errors import FormatError, Geo3DError
from geo3d.export.source import ScanSource
from geo3d.export.sparse_points import frame_points, thin
from geo3d.io import RGBDDataset, write_points
from geo3d.io.atomic import atomic_path, write_bytes, write_text
from geo3d.io.rgbd.association import natural_key
from geo3d.io.rgbd.transforms_entries import intrinsics, is_rational, opengl_pose
from geo3d.ops import undistort
from geo3d.types import PointCloud, RGBDFrame

TRANSFORMS, REPORT, SPARSE = "transforms.json", "export.json", "sparse_pc.ply"
SPARSE_POINTS = 100_000
MILLIMETRES = 1000.0
_COPIED = (".png", ".jpg", ".jpeg")


@dataclass(frozen=True)
class ExportResult:
    """What was written: frames in transforms.json, points in sparse_pc.ply, and frame name -> why it is left out."""

    frames: int
    points: int
    left_out: dict[str, str]


def export_nerfstudio(source: ScanSource, folder: Path, sparse_points: int = SPARSE_POINTS) -> ExportResult:
    """Write `source` into `folder` (made if absent).  A second call after an interruption goes on where it stopped.

    Poses keep their world and their metres: `geo3d.io.open_rgbd` reads them back.  Distortion that nerfstudio has no
    model for (OpenCV's rational k4 k5 k6) is removed from the pictures.  Raises `FormatError` if no frame is usable.
    """
    dataset = source.dataset
    if folder.exists() and (not folder.is_dir() or folder.samefile(dataset.folder)):
        raise FormatError(f"-o {folder} is a file or the input itself; give another folder")
    if all(T is None for T in dataset.T_world_camera):
        raise FormatError(f"{dataset.folder} has no poses; run `geo3d scan` on it and export its output folder")
    for place in (folder, folder / "images", folder / "depth"):
        place.mkdir(parents=True, exist_ok=True)
    _begin(source, folder)
    entries: list[dict[str, Any]] = []
    clouds: list[PointCloud] = []
    left_out: dict[str, str] = {}
    posed = sum(T is not None for T in dataset.T_world_camera)
    per_frame = 4 * sparse_points // posed + 100
    for i, stem in enumerate(progress(_stems(dataset.names), "frames", len(dataset))):
        try:
            frame = _load(source, i)
            entries.append(_write_frame(dataset, i, frame, folder, stem))
            if source.cloud is None:
                clouds.append(frame_points(frame, per_frame))
        except Geo3DError as error:
            left_out[dataset.names[i]] = str(error).removeprefix(f"frame {dataset.names[i]}: ")
    if not entries:
        raise FormatError(f"no frame of {dataset.folder} can be exported; the first: {next(iter(left_out.values()))}")
    sparse = thin(PointCloud.concatenate(clouds) if source.cloud is None else source.cloud, sparse_points)
    write_points(folder / SPARSE, PointCloud(sparse.points.astype(np.float32), sparse.colors))
    write_text(folder / REPORT, to_json(_report(source, len(entries), left_out), indent=1) + "\n")
    write_text(folder / TRANSFORMS, json.dumps(_meta(entries), indent=1) + "\n")
    return ExportResult(len(entries), len(sparse), left_out)


def _load(source: ScanSource, i: int) -> RGBDFrame:
    if source.dataset.T_world_camera[i] is None and i not in source.dataset.pose_errors:
        raise FormatError(source.reasons.get(i, "no pose"))
    frame = source.dataset.load(i)
    if frame.color is None:
        raise FormatError("no colour; nerfstudio needs a picture of every frame")
    return undistort(frame) if is_rational(frame.camera) else frame


def _write_frame(dataset: RGBDDataset, i: int, frame: RGBDFrame, folder: Path, stem: str) -> dict[str, Any]:
    assert frame.color is not None
    assert frame.T_world_camera is not None
    color_path = dataset.color_paths[i]
    assert color_path is not None
    as_is = color_path.suffix.lower() in _COPIED and dataset.color_camera is None
    as_is = as_is and not is_rational(dataset.cameras.get(i, dataset.camera))
    image = f"images/{stem}{color_path.suffix.lower() if as_is else '.png'}"
    depth = f"depth/{stem}.png"
    if not (folder / image).is_file():
        if as_is:
            write_bytes(folder / image, color_path.read_bytes())
        else:
            _write_picture(folder / image, frame.color)
    if not (folder / depth).is_file():
        _write_picture(folder / depth, _millimetres(frame))
    height, width = frame.color.shape[:2]
    return {
        "file_path": image,
        "depth_file_path": depth,
        "transform_matrix": opengl_pose(frame.T_world_camera).tolist(),
        "timestamp": frame.timestamp,
        **intrinsics(frame.camera.resized(width, height)),
    }


def _millimetres(frame: RGBDFrame) -> NDArray[np.uint16]:
    if frame.depth_scale == MILLIMETRES:
        return frame.depth
    steps = np.rint(frame.depth * (MILLIMETRES / frame.depth_scale))
    # What is too far for 16 bits is no measurement any more.
    return np.where(steps < 65536, steps, 0).astype(np.uint16)


def _write_picture(path: Path, pixels: NDArray[Any]) -> None:
    with atomic_path(path) as temporary:
        Image.fromarray(pixels).save(temporary, format="PNG")


def _meta(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """The JSON object; intrinsics that all frames share stand once, as nerfstudio wants: all of them or none."""
    keys = [k for k in entries[0] if k not in ("file_path", "depth_file_path", "transform_matrix", "timestamp")]
    shared = {k: entries[0][k] for k in keys}
    if all({k: v for k, v in e.items() if k in shared or k == "k3"} == shared for e in entries):
        entries = [{k: v for k, v in e.items() if k not in shared} for e in entries]
    else:
        shared = {}
    return {
        "camera_model": "OPENCV",
        **shared,
        "depth_unit_scale_factor": 1 / MILLIMETRES,
        "ply_file_path": SPARSE,
        "frames": entries,
    }


def _stems(names: list[str]) -> list[str]:
    """File names of the frames: their own where these are unique, plain and sort like the frames, else numbers."""
    stems = [re.sub(r"[^\w.-]", "_", name).lstrip(".") for name in names]
    plain = all(stems) and len({s.lower() for s in stems}) == len(stems)
    if plain and stems == sorted(stems, key=natural_key) and stems == sorted(stems):
        return stems
    return [f"frame_{i:06d}" for i in range(len(names))]


def _report(source: ScanSource, frames: int, left_out: dict[str, str]) -> dict[str, Any]:
    fingerprint = _fingerprint(source)
    return {"source": str(source.dataset.folder), "fingerprint": fingerprint, "frames": frames, "left_out": left_out}


def _begin(source: ScanSource, folder: Path) -> None:
    """Keep the pictures of an unfinished export of the same frames, and nothing of another one."""
    try:
        same = json.loads((folder / REPORT).read_bytes()).get("fingerprint") == _fingerprint(source)
    except (OSError, ValueError, AttributeError):
        same = False
    if not same:
        taken = [folder / TRANSFORMS, *(folder / "images").iterdir(), *(folder / "depth").iterdir()]
        if any(p.exists() for p in taken) and not (folder / REPORT).is_file():
            raise FormatError(f"{folder} holds another data set; give an empty folder, or delete it first")
        for path in taken:
            path.unlink(missing_ok=True)
    write_text(folder / REPORT, to_json(_report(source, 0, {}), indent=1) + "\n")


def _fingerprint(source: ScanSource) -> str:
    """Changes when frames, pictures (by size and time), cameras or poses do."""
    dataset = source.dataset
    cameras = (dataset.camera, dataset.color_camera, sorted(dataset.cameras.items()))
    settings = (dataset.name, dataset.names, cameras, dataset.depth_scale)
    digest = hashlib.sha256(repr(settings).encode())
    for i, (path, T) in enumerate(zip(dataset.depth_paths, dataset.T_world_camera, strict=True)):
        digest.update(b"-" if T is None else T.tobytes())
        for picture in (path, dataset.color_paths[i]):
            if picture is not None and picture.is_file():
                status = picture.stat()
                digest.update(repr((picture.name, status.st_size, status.st_mtime_ns)).encode())
    return digest.hexdigest()
