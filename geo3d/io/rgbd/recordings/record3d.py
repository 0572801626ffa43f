"""Record3D's `.r3d`: a zip with JSON `metadata` and, for each frame, JPEG colour, LZFSE depth and confidence."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from geo3d.errors import FormatError, ShapeError
from geo3d.io.rgbd.parts import number
from geo3d.io.rgbd.recordings.recording import MILLIMETRES, RecordedFrame, millimetres
from geo3d.io.rgbd.transforms_entries import opengl_pose
from geo3d.io.trajectory import rotations_from
from geo3d.optional import require
from geo3d.types import PinholeCamera, RGBDFrame

_LARGEST_MEMBER = 256 << 20
_LARGEST_SIDE = 16384
# ARKit's depth maps, where the metadata does not give their size; the longer side lies as the picture's does.
_DEPTH_SIZE = (256, 192)


class Record3DFormat:
    """`metadata` (w, h, K column after column, poses `qx qy qz qw tx ty tz` of camera to world with OpenGL axes,
    per-frame intrinsics `fx fy cx cy`, frameTimestamps, fps), `rgbd/N.jpg`, `rgbd/N.depth` (float32 metres),
    `rgbd/N.conf` (0 to 2).  Intrinsics belong to the colour picture; depth of confidence 0 is dropped."""

    name = "Record3D"
    looks_for = "a .r3d file"

    def detect(self, path: Path) -> bool:
        return path.is_file() and path.suffix.lower() == ".r3d"

    def frames(self, path: Path) -> Iterator[RecordedFrame]:
        try:
            archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            raise FormatError(f"{path} is no Record3D file: {error}") from error
        with archive:
            meta = _metadata(archive, path)
            members = {n for n in archive.namelist() if n.startswith("rgbd/")}
            stems = [n[5:-6] for n in members if n.endswith(".depth") and n[5:-6].isdecimal()]
            if not stems:
                raise FormatError(f"{path} holds no depth (rgbd/N.depth)")
            lzfse = require("liblzfse", "record3d", "reading .r3d", "pyliblzfse")
            for stem in sorted(stems, key=int):
                name = f"{int(stem):06d}"
                try:
                    jpeg = _member(archive, f"rgbd/{stem}.jpg")
                    frame = _frame(archive, meta, stem, jpeg, members, lzfse, path)
                    yield RecordedFrame(name, frame, "", jpeg)
                except (FormatError, ShapeError) as error:
                    yield RecordedFrame(name, None, str(error))


def _metadata(archive: zipfile.ZipFile, path: Path) -> dict[str, Any]:
    try:
        value = json.loads(_member(archive, "metadata"))
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path}: its metadata cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise FormatError(f"{path}: its metadata is no JSON object")
    return value


def _frame(
    archive: zipfile.ZipFile,
    meta: dict[str, Any],
    stem: str,
    jpeg: bytes,
    members: set[str],
    lzfse: Any,
    path: Path,
) -> RGBDFrame:
    i = int(stem)
    color = _picture(jpeg, stem)
    height, width = color.shape[:2]
    size = _depth_size(meta, width, height, path)
    depth = np.frombuffer(_unpacked(archive, f"rgbd/{stem}.depth", 4, size, lzfse), "<f4").reshape(size[1], size[0])
    confidence = None
    if f"rgbd/{stem}.conf" in members:
        packed = _unpacked(archive, f"rgbd/{stem}.conf", 1, size, lzfse)
        confidence = np.frombuffer(packed, np.uint8).reshape(size[1], size[0])
    steps = millimetres(depth, confidence)
    if not steps.any():
        raise FormatError("no depth at all")
    camera = _camera(meta, i, path).resized(*size)
    return RGBDFrame(steps, camera, MILLIMETRES, color, _pose(meta, i, path), _time(meta, i, path), stem)


def _camera(meta: dict[str, Any], i: int, path: Path) -> PinholeCamera:
    width, height = (int(number(meta.get(k), k, path)) for k in ("w", "h"))
    listed = meta.get("perFrameIntrinsicCoeffs")
    if isinstance(listed, list) and i < len(listed) and isinstance(listed[i], list) and len(listed[i]) == 4:
        fx, fy, cx, cy = (number(v, "perFrameIntrinsicCoeffs", path) for v in listed[i])
    else:
        K = meta.get("K")
        if not isinstance(K, list) or len(K) != 9:
            raise FormatError(f"{path}: 'K' must be a list of 9 numbers")
        fx, fy, cx, cy = (number(K[at], "K", path) for at in (0, 4, 6, 7))
    return PinholeCamera(width, height, fx, fy, cx, cy)


def _pose(meta: dict[str, Any], i: int, path: Path) -> NDArray[np.float64] | None:
    poses = meta.get("poses")
    if not isinstance(poses, list) or i >= len(poses):
        return None
    if not isinstance(poses[i], list) or len(poses[i]) != 7:
        raise FormatError("its pose is no list of 7 numbers (qx qy qz qw tx ty tz)")
    values = np.array([number(v, "poses", path) for v in poses[i]])
    T = np.eye(4)
    T[:3, :3] = rotations_from(values[None, :4])[0]
    T[:3, 3] = values[4:]
    return opengl_pose(T)


def _time(meta: dict[str, Any], i: int, path: Path) -> float:
    times = meta.get("frameTimestamps")
    if isinstance(times, list) and i < len(times):
        return number(times[i], "frameTimestamps", path)
    fps = number(meta.get("fps", 30), "fps", path)
    return i / fps if fps > 0 else float(i)


def _depth_size(meta: dict[str, Any], width: int, height: int, path: Path) -> tuple[int, int]:
    if "dw" in meta and "dh" in meta:
        size = int(number(meta["dw"], "dw", path)), int(number(meta["dh"], "dh", path))
    else:
        size = _DEPTH_SIZE if width >= height else _DEPTH_SIZE[::-1]
    if not (0 < size[0] <= _LARGEST_SIDE and 0 < size[1] <= _LARGEST_SIDE):
        raise FormatError(f"{path}: depth of {size[0]}x{size[1]} is not believable")
    return size


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        info = archive.getinfo(name)
        if info.file_size > _LARGEST_MEMBER:
            raise FormatError(f"{name} claims {info.file_size >> 20} MiB")
        return archive.read(info)
    except KeyError:
        raise FormatError(f"{name} is not in the file") from None
    # zipfile raises all of these on damaged, encrypted or unknown members.
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        raise FormatError(f"{name} is damaged: {error}") from error
    except Exception as error:
        if type(error).__module__ in ("zlib", "_lzma", "bz2"):
            raise FormatError(f"{name} is damaged: {error}") from error
        raise


def _unpacked(archive: zipfile.ZipFile, name: str, item: int, size: tuple[int, int], lzfse: Any) -> bytes:
    packed = _member(archive, name)
    expected = item * size[0] * size[1]
    if len(packed) == expected:
        return packed
    try:
        data = bytes(lzfse.decompress(packed))
    except (lzfse.error, MemoryError, ValueError) as error:
        raise FormatError(f"{name} is no LZFSE data: {error}") from error
    if len(data) != expected:
        raise FormatError(f"{name} unpacks to {len(data)} bytes, but {size[0]}x{size[1]} pixels have {expected}")
    return data


def _picture(data: bytes, stem: str) -> NDArray[np.uint8]:
    try:
        with Image.open(io.BytesIO(data)) as picture:
            if picture.size[0] * picture.size[1] > 1 << 28:
                raise FormatError(f"rgbd/{stem}.jpg claims to be {picture.size[0]}x{picture.size[1]}")
            return np.asarray(picture.convert("RGB"))
    except FormatError:
        raise
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise FormatError(f"rgbd/{stem}.jpg cannot be opened: {error}") from error
