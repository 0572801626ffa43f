"""AV1 through SVT-AV1: frames of a video file, or pictures, as one Matroska file; time stamps and sound kept."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from geo3d.errors import FormatError, Geo3DError
from geo3d_compression.video.clip import PLANAR, ClipAbout, about, frame_from, frames_of, open_clip, planes_of, pyav

ENCODER = "libsvtav1"
# SVT-AV1's presets run from 0 (slowest) to 13.
PRESETS = {"fast": 8, "best": 4}


@dataclass(frozen=True)
class Encoded:
    """A Matroska file, the number of frames in it, their size, and the degrees by which they were turned upright."""

    data: bytes
    frames: int
    width: int
    height: int
    turned: int


def crf_of(quality: float) -> int:
    """SVT-AV1's rate factor: 100 -> 8 (looks the same), 50 -> 35, 1 -> 62."""
    if not 1 <= quality <= 100:
        raise Geo3DError(f"--quality must be from 1 to 100, got {quality:g}")
    return round(62 - 54 * (quality - 1) / 99)


def check_encoder() -> None:
    """Raise one sentence where this build of `av` cannot write AV1."""
    av = pyav()
    if ENCODER not in av.codecs_available:
        raise Geo3DError(
            f"this build of the package `av` ({av.__version__}) has no SVT-AV1 encoder; install av from a wheel, or "
            "leave out --quality to keep the video as it is"
        )


@contextmanager
def quiet() -> Iterator[None]:
    """SVT-AV1 reports every setting on stderr unless this variable says: errors only."""
    before = os.environ.get("SVT_LOG")
    os.environ["SVT_LOG"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["SVT_LOG"]
        else:
            os.environ["SVT_LOG"] = before


def encode_video(path: Path, quality: float, profile: str) -> Encoded:
    """The first video stream of a file as AV1, its other streams copied."""
    crf = crf_of(quality)
    check_encoder()
    av = pyav()
    with open_clip(path) as source:
        video = source.streams.video[0]
        others = [s for s in source.streams if s.type in ("audio", "subtitle")]
        frames = frames_of(source, path)
        first = next(frames, None)
        if first is None:
            raise FormatError(f"{path} holds no frames")
        turned = round(getattr(first, "rotation", 0) or 0) % 360
        rate = video.average_rate or video.guessed_rate or Fraction(25)
        out, count = io.BytesIO(), 0
        try:
            with quiet(), av.open(out, "w", format="matroska") as target:
                stream = add_stream(target, rate, _upright(first, turned), crf, profile, video.time_base)
                colors = about(source)
                stream.codec_context.color_range, stream.codec_context.colorspace = colors.range, colors.space
                copies = {s.index: target.add_stream_from_template(s, opaque=True) for s in others}
                for frame in _chain(first, frames):
                    still = _upright(frame, turned).reformat(format=stream.pix_fmt)
                    still.pts, still.time_base = frame.pts, frame.time_base
                    still.pict_type = av.video.frame.PictureType.NONE
                    target.mux(stream.encode(still))
                    count += 1
                target.mux(stream.encode(None))
                if copies:
                    _copy_packets(path, copies, target)
        except (av.FFmpegError, ValueError) as error:
            raise FormatError(f"{path} cannot be coded as AV1: {error}") from None
        return Encoded(out.getvalue(), count, stream.width, stream.height, turned)


def encode_pictures(pictures: Iterable[Any], quality: float, profile: str, rate: Fraction = Fraction(30)) -> Encoded:
    """[H, W, 3] uint8 RGB pictures of one size as AV1 in 4:2:0."""
    crf = crf_of(quality)
    check_encoder()
    av = pyav()
    out, count = io.BytesIO(), 0
    stream = None
    with quiet(), av.open(out, "w", format="matroska") as target:
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            if stream is None:
                stream = add_stream(target, rate, frame, crf, profile, 1 / rate)
                # BT.709, limited range.
                stream.codec_context.color_range, stream.codec_context.colorspace = 1, 1
            if (frame.width, frame.height) != (stream.width, stream.height):
                raise FormatError(
                    f"frame {count} has {frame.width}x{frame.height} pixels, the first {stream.width}x{stream.height}"
                )
            frame = frame.reformat(format=stream.pix_fmt, dst_colorspace="ITU709", dst_color_range="MPEG")
            frame.pts, frame.time_base = count, 1 / rate
            target.mux(stream.encode(frame))
            count += 1
        if stream is None:
            raise FormatError("there are no pictures to code")
        target.mux(stream.encode(None))
    return Encoded(out.getvalue(), count, stream.width, stream.height, 0)


def decode_pictures(data: bytes) -> Iterator[Any]:
    """The pictures of `encode_pictures` as [H, W, 3] uint8 RGB."""
    with pyav().open(io.BytesIO(data)) as source:
        for frame in source.decode(source.streams.video[0]):
            yield frame.reformat(format="rgb24", src_colorspace="ITU709", src_color_range="MPEG").to_ndarray()


def add_stream(target: Any, rate: Any, frame: Any, crf: int, profile: str, base: Fraction) -> Any:
    """A new AV1 stream of an opened file, for frames like this one."""
    options = {"crf": str(crf), "preset": str(PRESETS[profile]), "svtav1-params": "lp=2"}
    stream = target.add_stream(ENCODER, rate=rate, options=options)
    stream.width, stream.height = frame.width, frame.height
    stream.pix_fmt = "yuv420p10le" if frame.format.components[0].bits > 8 else "yuv420p"
    stream.codec_context.time_base = base
    return stream


def _upright(frame: Any, degrees: int) -> Any:
    """The frame turned as its display matrix says, since not every container can carry that matrix."""
    if degrees % 90 or degrees == 0:
        return frame
    format = frame.format.name if frame.format.name in PLANAR and "422" not in frame.format.name else "yuv420p"
    planes: list[Any] = [np.ascontiguousarray(np.rot90(p, degrees // 90)) for p in planes_of(frame, format)]
    height, width = planes[0].shape
    return frame_from(planes, ClipAbout(width, height, format, (1, 1), (1, 1), 0, 2))


def _chain(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest


def _copy_packets(path: Path, streams: dict[int, Any], target: Any) -> None:
    with open_clip(path) as source:
        for packet in source.demux([source.streams[k] for k in streams]):
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                target.mux(packet)


def remux(data: bytes, target: Path) -> int:
    """Write a Matroska file's streams, uncoded again, to a file of another container; frames that it holds."""
    from geo3d.io.atomic import atomic_path, write_bytes

    av = pyav()
    if target.suffix.lower() in (".mkv", ".webm"):
        write_bytes(target, data)
        return 0
    kinds = {".mp4": "mp4", ".mov": "mov", ".avi": "avi"}
    if target.suffix.lower() not in kinds:
        raise FormatError(f"{target}: AV1 video is written as .mkv, .webm, {', '.join(kinds)} or .y4m")
    with atomic_path(target) as temporary, av.open(io.BytesIO(data)) as source:
        try:
            with av.open(str(temporary), "w", format=kinds[target.suffix.lower()]) as out:
                streams = {s.index: out.add_stream_from_template(s, opaque=True) for s in source.streams}
                for packet in source.demux():
                    if packet.dts is not None:
                        packet.stream = streams[packet.stream.index]
                        out.mux(packet)
        except (av.FFmpegError, ValueError) as error:
            raise FormatError(f"cannot write {target}: {error}; .mkv takes every stream") from None
    return 0
