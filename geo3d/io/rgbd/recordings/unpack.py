"""A recording as an RGB-D folder that every part of the suite reads (`transforms.json`)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from geo3d.console import progress
from geo3d.errors import FormatError, ShapeError
from geo3d.io.atomic import atomic_path, write_bytes, write_text
from geo3d.io.rgbd.recordings.recording import MILLIMETRES, RecordedFrame, RecordingFormat
from geo3d.io.rgbd.recordings.registry import find_recording
from geo3d.io.rgbd.transforms_entries import intrinsics, opengl_pose
from geo3d.types import PinholeCamera, RGBDFrame

_FILE = "transforms.json"


# The frame to write: depth and colour of one camera, without distortion that the folder cannot hold.  What does not
# need it comes back as it is.
Prepare = Callable[[RecordedFrame], RGBDFrame]


def unpack_recording(path: str | Path, folder: str | Path, prepare: Prepare | None = None) -> dict[str, str]:
    """Write a recording's frames into `folder` (made if absent, else empty); return frame -> why it is left out.

    The folder appears when it is whole.  Depth is in millimetres; poses, times and each frame's intrinsics are kept.
    `geo3d.io.open_rgbd` opens it.  Cameras with rational distortion (k4 k5 k6) and depth that is not registered to the
    colour need a `prepare` (`geo3d.export.prepared`).
    """
    path, folder = Path(path), Path(folder)
    kind = find_recording(path)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FormatError(f"{folder} is not empty; give another folder for the frames of {path.name}")
    partial = folder.with_name(f".tmp-{folder.name}")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        left_out = _write(kind, path, partial, prepare)
        if folder.is_dir():
            folder.rmdir()
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return left_out


def _write(kind: RecordingFormat, path: Path, folder: Path, prepare: Prepare | None) -> dict[str, str]:
    for place in (folder / "images", folder / "depth"):
        place.mkdir(parents=True)
    entries: list[dict[str, Any]] = []
    left_out: dict[str, str] = {}
    for recorded in progress(kind.frames(path), path.name):
        if recorded.frame is None:
            left_out[recorded.name] = recorded.problem
            continue
        try:
            entries.append(_write_frame(_prepared(recorded, prepare), folder))
        except ShapeError as error:
            left_out[recorded.name] = str(error)
    if not entries:
        first = next(iter(left_out.values()), "it holds none")
        raise FormatError(f"{path}: no frame can be used: {first}")
    meta = {"camera_model": "OPENCV", "depth_unit_scale_factor": 1 / MILLIMETRES, "frames": entries}
    write_text(folder / _FILE, json.dumps(meta, indent=1) + "\n")
    return left_out


def _prepared(recorded: RecordedFrame, prepare: Prepare | None) -> RecordedFrame:
    if prepare is None and recorded.rig is not None:
        raise FormatError(f"frame {recorded.name}: depth and colour are not registered; give a `prepare` that does it")
    if prepare is None or recorded.frame is None:
        return recorded
    frame = prepare(recorded)
    return recorded if frame is recorded.frame else replace(recorded, frame=frame, jpeg=None)


def _write_frame(recorded: RecordedFrame, folder: Path) -> dict[str, Any]:
    frame = recorded.frame
    assert frame is not None
    about = intrinsics(_picture_camera(frame))
    entry: dict[str, Any] = {"depth_file_path": f"depth/{recorded.name}.png"}
    with atomic_path(folder / entry["depth_file_path"]) as temporary:
        Image.fromarray(frame.depth).save(temporary, format="PNG")
    if frame.color is not None:
        entry["file_path"] = f"images/{recorded.name}{'.png' if recorded.jpeg is None else '.jpg'}"
        if recorded.jpeg is not None:
            write_bytes(folder / entry["file_path"], recorded.jpeg)
        else:
            with atomic_path(folder / entry["file_path"]) as temporary:
                Image.fromarray(frame.color).save(temporary, format="PNG")
    if frame.T_world_camera is not None:
        entry["transform_matrix"] = opengl_pose(frame.T_world_camera).tolist()
    if frame.timestamp is not None:
        entry["timestamp"] = frame.timestamp
    return {**entry, **about}


def _picture_camera(frame: RGBDFrame) -> PinholeCamera:
    """The camera at the colour picture's resolution, whose intrinsics transforms.json holds."""
    if frame.color is None:
        return frame.camera
    return frame.camera.resized(frame.color.shape[1], frame.color.shape[0])
