"""Azure Kinect's `.mkv`: colour and depth tracks of two cameras, and the device's calibration as an attachment."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError, ShapeError
from geo3d.io.rgbd.association import nearest
from geo3d.io.rgbd.recordings.recording import MILLIMETRES, RecordedFrame, Rig
from geo3d.optional import require
from geo3d.types import PinholeCamera, RGBDFrame
from geo3d.types.checks import as_transform

Mode = tuple[tuple[int, int], tuple[int, int]]
# Picture size -> (size that the calibration is scaled to, what is cut off at its left and top).
_DEPTH_MODES: Mapping[tuple[int, int], Mode] = {
    (320, 288): ((512, 512), (96, 90)),
    (640, 576): ((1024, 1024), (192, 180)),
    (512, 512): ((512, 512), (0, 0)),
    (1024, 1024): ((1024, 1024), (0, 0)),
}
_COLOR_MODES: Mapping[tuple[int, int], Mode] = {
    (1280, 720): ((1280, 960), (0, 120)),
    (1920, 1080): ((1920, 1440), (0, 180)),
    (2560, 1440): ((2560, 1920), (0, 240)),
    (2048, 1536): ((2048, 1536), (0, 0)),
    (3840, 2160): ((3840, 2880), (0, 360)),
    (4096, 3072): ((4096, 3072), (0, 0)),
}
_DEPTH, _COLOR = "CALIBRATION_CameraLocationD0", "CALIBRATION_CameraLocationPV0"
_LARGEST_CALIBRATION = 1 << 20
_LARGEST_GAP = 0.02
_PARAMETERS = 14


class AzureKinectFormat:
    """A Matroska file as k4arecorder writes it: tracks COLOR (MJPEG, NV12 or YUY2), DEPTH (16 bit, millimetres) and IR,
    attachment `calibration.json`.  Depth and colour are paired by time within 20 ms; the calibration says how the
    depth moves into the colour camera (`Rig`).  There are no poses."""

    name = "Azure Kinect"
    looks_for = "a .mkv of k4arecorder"

    def detect(self, path: Path) -> bool:
        """Any `.mkv` that holds the calibration: films have this suffix too."""
        if not (path.is_file() and path.suffix.lower() == ".mkv"):
            return False
        with path.open("rb") as file:
            head = file.read(4 << 20)
        return b"calibration.json" in head or b"K4A_" in head

    def frames(self, path: Path) -> Iterator[RecordedFrame]:
        av = require("av", "video", "reading Azure Kinect's .mkv")
        try:
            yield from _frames(av, path)
        except (av.FFmpegError, EOFError) as error:
            raise FormatError(f"{path} cannot be decoded: {error}") from error


def _frames(av: Any, path: Path) -> Iterator[RecordedFrame]:
    with av.open(str(path)) as container:
        depth, color = _tracks(container, path)
        cameras = _calibration(container, path)
        depth_camera = mode_camera(cameras[_DEPTH], _DEPTH_MODES, (depth.width, depth.height), "depth")
        rig_of = None
        if color is not None:
            color_camera = mode_camera(cameras[_COLOR], _COLOR_MODES, (color.width, color.height), "colour")
            rig_of = color_camera, extrinsics(cameras[_COLOR]) @ np.linalg.inv(extrinsics(cameras[_DEPTH]))
        times = _times(container, [s for s in (depth, color) if s is not None])
        numbers = (depth.index, None if color is None else color.index)
    pairs = nearest(times[numbers[0]], times[numbers[1]], _LARGEST_GAP) if numbers[1] is not None else None
    color_of = {} if pairs is None else {i: int(k) for i, k in enumerate(pairs) if k >= 0}
    waiting: dict[int, NDArray[np.uint16]] = {}
    colors: dict[int, NDArray[np.uint8]] = {}
    wanted = set(color_of.values())
    done = 0
    for is_depth, k, image in _decoded(av, path, numbers):
        if is_depth:
            waiting[k] = image
        elif k in wanted:
            colors[k] = image
        # In order of the depth; a depth picture waits for its colour, which may be recorded after it.
        while done in waiting and (done not in color_of or color_of[done] in colors):
            picture = colors.pop(color_of[done]) if done in color_of else None
            yield _frame(done, float(times[numbers[0]][done]), waiting.pop(done), picture, depth_camera, rig_of)
            done += 1
    for k in sorted(waiting):
        yield RecordedFrame(f"{k:06d}", None, "the recording ends before its colour picture")


def _frame(
    number: int, time: float, steps: NDArray[np.uint16], picture: NDArray[np.uint8] | None, camera: PinholeCamera,
    rig_of: tuple[PinholeCamera, NDArray[np.float64]] | None,
) -> RecordedFrame:  # fmt: skip
    name = f"{number:06d}"
    if not steps.any():
        return RecordedFrame(name, None, "no depth at all")
    if picture is None and rig_of is not None:
        return RecordedFrame(name, None, "no colour picture within 20 ms")
    frame = RGBDFrame(steps, camera, MILLIMETRES, None, None, time, name)
    rig = None if picture is None or rig_of is None else Rig(picture, *rig_of)
    return RecordedFrame(name, frame, rig=rig)


def _tracks(container: Any, path: Path) -> tuple[Any, Any | None]:
    """The depth track and, if there is one, the colour track, by their names."""
    named = {str(s.metadata.get("title", "")).upper(): s for s in container.streams.video}
    if "DEPTH" not in named:
        raise FormatError(f"{path} has no depth track (tracks: {', '.join(named) or 'none'})")
    return named["DEPTH"], named.get("COLOR")


def _calibration(container: Any, path: Path) -> dict[str, dict[str, Any]]:
    """The cameras of the attached calibration by their location."""
    for stream in container.streams:
        if stream.type == "attachment" and str(stream.metadata.get("filename", "")).lower() == "calibration.json":
            data = bytes(stream.data)
            break
    else:
        raise FormatError(f"{path} has no calibration.json attached; only recordings of k4arecorder have")
    try:
        if len(data) > _LARGEST_CALIBRATION:
            raise ValueError(f"{len(data)} bytes")
        listed = json.loads(data.rstrip(b"\0"))["CalibrationInformation"]["Cameras"]
        cameras = {str(c["Location"]): c for c in listed}
        return {k: cameras[k] for k in (_DEPTH, _COLOR)}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FormatError(f"{path}: its calibration cannot be used: {error!r}") from error


def mode_camera(
    about: dict[str, Any], modes: Mapping[tuple[int, int], Mode], size: tuple[int, int], name: str
) -> PinholeCamera:
    """The camera of pictures of a mode; the calibration is of the whole sensor, in fractions of its size."""
    if size not in modes:
        known = ", ".join(f"{w}x{h}" for w, h in modes)
        raise FormatError(f"Azure Kinect has no {name} pictures of {size[0]}x{size[1]} (known: {known})")
    (width, height), (left, top) = modes[size]
    try:
        p = [float(v) for v in about["Intrinsics"]["ModelParameters"][:_PARAMETERS]]
        if len(p) < _PARAMETERS or not np.isfinite(p).all():
            raise ValueError(f"{len(p)} parameters")
        cx, cy, fx, fy, k1, k2, k3, k4, k5, k6, codx, cody, p2, p1 = p
        if codx or cody:
            raise ValueError("a distortion that is not about the principal point")
        return PinholeCamera(
            *size, fx * width, fy * height, cx * width - left - 0.5, cy * height - top - 0.5,
            (k1, k2, p1, p2, k3, k4, k5, k6),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, ShapeError) as error:
        raise FormatError(f"the calibration of the {name} camera cannot be used: {error!r}") from error


def extrinsics(about: dict[str, Any]) -> NDArray[np.float64]:
    """T_camera_device [4, 4], metres."""
    try:
        T = np.eye(4)
        T[:3, :3] = np.array(about["Rt"]["Rotation"], np.float64).reshape(3, 3)
        T[:3, 3] = np.array(about["Rt"]["Translation"], np.float64).reshape(3)
        return as_transform(T, "its pose")
    except (KeyError, TypeError, ValueError, ShapeError) as error:
        raise FormatError(f"the calibration's camera poses cannot be used: {error!r}") from error


def _times(container: Any, streams: list[Any]) -> dict[int, NDArray[np.float64]]:
    """Seconds of each track's pictures, in their order."""
    times: dict[int, list[float]] = {s.index: [] for s in streams}
    for packet in container.demux(streams):
        if packet.pts is not None and packet.size:
            times[packet.stream.index].append(float(packet.pts * packet.time_base))
    return {k: np.array(sorted(v), np.float64) for k, v in times.items()}


def _decoded(av: Any, path: Path, numbers: tuple[int, int | None]) -> Iterator[tuple[bool, int, Any]]:
    """(is depth, number in its track, picture) in the file's order."""
    counts = dict.fromkeys(numbers, 0)
    with av.open(str(path)) as container:
        used = [s for s in container.streams.video if s.index in numbers]
        for packet in container.demux(used):
            k, is_depth = packet.stream.index, packet.stream.index == numbers[0]
            # Depth is stored plainly, as 'b16g': big-endian 16 bit.  Not every FFmpeg knows this name.
            images = [_plain(packet, path)] if is_depth and packet.size else []
            if not is_depth:
                images = [frame.to_ndarray(format="rgb24") for frame in packet.decode()]
            for image in images:
                yield is_depth, counts[k], image
                counts[k] += 1


def _plain(packet: Any, path: Path) -> NDArray[np.uint16]:
    width, height = packet.stream.width, packet.stream.height
    data = bytes(packet)
    if len(data) != 2 * width * height:
        raise FormatError(f"{path}: a depth picture has {len(data)} bytes, {width}x{height} pixels have 2 each")
    return np.frombuffer(data, ">u2").reshape(height, width).astype(np.uint16)
