"""A video file as planes of integers, with what its frames' time stamps and colours are; and such a file written.

Only planar formats are coded exactly; packed ones are unpacked to planes first, which loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import BitstreamError, FormatError, Geo3DError
from geo3d.io.atomic import atomic_path
from geo3d.optional import require

Plane = NDArray[np.uint8] | NDArray[np.uint16]

# Formats that are coded as they are, and those that are unpacked first.
PLANAR = (
    "gray", "gray10le", "gray12le", "gray16le", "yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le",
    "yuv444p10le", "yuv420p12le", "yuv444p12le", "gbrp", "gbrp10le", "gbrp12le", "gbrap",
)  # fmt: skip
_UNPACKED = {
    "rgb24": "gbrp", "bgr24": "gbrp", "rgb0": "gbrp", "bgr0": "gbrp", "0rgb": "gbrp", "0bgr": "gbrp", "rgba": "gbrap",
    "bgra": "gbrap", "argb": "gbrap", "abgr": "gbrap", "yuyv422": "yuv422p", "uyvy422": "yuv422p", "nv12": "yuv420p",
    "nv21": "yuv420p", "yuvj420p": "yuv420p", "yuvj422p": "yuv422p", "yuvj444p": "yuv444p",
}  # fmt: skip
# What FFV1 calls planes of 8-bit colours.
PACKED = {"gbrp": "bgr0", "gbrap": "bgra"}
# Codecs whose files hold what was put in, so that keeping the frames keeps everything that was seen.
LOSSLESS_CODECS = (
    "rawvideo", "ffv1", "huffyuv", "ffvhuff", "utvideo", "magicyuv", "lagarith", "wrapped_avframe", "png", "v210",
)  # fmt: skip
MAX_SIDE = 1 << 14


@dataclass(frozen=True)
class ClipAbout:
    """What every frame of a clip has in common; times are counted in units of `base` seconds (a fraction)."""

    width: int
    height: int
    format: str
    base: tuple[int, int]
    rate: tuple[int, int]
    range: int
    space: int


def pyav() -> Any:
    """The package `av`, or an error that names the extra."""
    return require("av", "video", "video files")


def open_clip(path: Path) -> Any:
    """An opened container with a video stream.  Raises `FormatError` where there is none."""
    av = pyav()
    try:
        container = av.open(str(path))
    except (av.FFmpegError, ValueError, OSError) as error:
        raise FormatError(f"{path} is no video file: {error}; --codec file keeps it as it is") from None
    if not container.streams.video:
        container.close()
        raise FormatError(f"{path} holds no video; --codec file keeps it as it is")
    return container


def frames_of(container: Any, path: Path) -> Iterator[Any]:
    """The decoded frames of the first video stream, in order of display."""
    av = pyav()
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    stream.codec_context.thread_count = 2
    try:
        yield from container.decode(stream)
    except (av.FFmpegError, ValueError) as error:
        raise FormatError(f"{path} is damaged: {error}") from None


def is_lossless(container: Any) -> bool:
    """Whether the file's own codec keeps frames exactly, in a format that is coded here."""
    context = container.streams.video[0].codec_context
    return context.name in LOSSLESS_CODECS and (context.pix_fmt in PLANAR or context.pix_fmt in _UNPACKED)


def about(container: Any) -> ClipAbout:
    """Size, format and time base of the first video stream."""
    stream = container.streams.video[0]
    context = stream.codec_context
    if not (0 < context.width <= MAX_SIDE and 0 < context.height <= MAX_SIDE):
        raise FormatError(f"a video of {context.width}x{context.height} is not coded; at most {MAX_SIDE} a side")
    rate = stream.average_rate or stream.guessed_rate or 25
    base = stream.time_base
    full = context.pix_fmt.startswith("yuvj")
    space = context.colorspace
    return ClipAbout(
        context.width, context.height, _UNPACKED.get(context.pix_fmt, context.pix_fmt),
        (base.numerator, base.denominator), (rate.numerator, rate.denominator),
        2 if full else int(context.color_range or 0), int(2 if space is None else space),
    )  # fmt: skip


def planes_of(frame: Any, format: str) -> list[Plane]:
    """The planes of a frame in a planar format, [h, w] each; gbrp gives G, B, R."""
    # Old names of full-range formats: the samples are the same.
    if frame.format.name.replace("yuvj", "yuv") != format:
        frame = frame.reformat(format=format)
    dtype = np.dtype("<u2") if _deep(format) else np.dtype(np.uint8)
    planes: list[Plane] = []
    for k, p in enumerate(frame.planes):
        height, width = plane_shape(format, k, frame.height, frame.width)
        rows = np.frombuffer(p, np.uint8)[: p.line_size * height].reshape(height, p.line_size)
        planes.append(np.ascontiguousarray(rows[:, : width * dtype.itemsize]).view(dtype))
    return planes


def plane_shape(format: str, plane: int, height: int, width: int) -> tuple[int, int]:
    """Height and width of a plane."""
    if plane in (1, 2) and "420" in format:
        return -(-height // 2), -(-width // 2)
    if plane in (1, 2) and "422" in format:
        return height, -(-width // 2)
    return height, width


def plane_count(format: str) -> int:
    """Planes of a planar format."""
    return 1 if format.startswith("gray") else 4 if format == "gbrap" else 3


def highest_sample(format: str) -> int:
    """The largest value that a sample of the format can have."""
    bits = next((b for b in (10, 12, 16) if format.endswith(f"{b}le")), 8)
    return (1 << bits) - 1


def _deep(format: str) -> bool:
    return format.endswith("le")


def write_clip(
    target: Path, clip: ClipAbout, times: Sequence[int], frames: Iterator[list[Plane]], others: bytes = b""
) -> None:
    """Write frames exactly: FFV1 in Matroska or AVI, raw frames in Y4M; `others`: a file whose audio is copied."""
    from fractions import Fraction

    av = pyav()
    suffix = target.suffix.lower()
    codecs = {".mkv": "ffv1", ".avi": "ffv1", ".nut": "ffv1", ".y4m": "rawvideo"}
    if suffix not in codecs:
        raise FormatError(f"{target}: exact frames are written as {', '.join(codecs)}")
    base = Fraction(*clip.base)
    with atomic_path(target) as temporary:
        try:
            with av.open(str(temporary), "w", format={".y4m": "yuv4mpegpipe", ".mkv": "matroska"}.get(suffix)) as out:
                stream = out.add_stream(codecs[suffix], rate=Fraction(*clip.rate))
                stream.width, stream.height = clip.width, clip.height
                stream.pix_fmt = packed = PACKED.get(clip.format, clip.format)
                stream.codec_context.time_base = base
                if clip.range:
                    stream.codec_context.color_range = clip.range
                stream.codec_context.colorspace = clip.space
                copies = _Copies(others, out) if others and suffix != ".y4m" else None
                for time, planes in zip(times, frames, strict=True):
                    frame = frame_from(planes, clip)
                    if packed != clip.format:
                        frame = frame.reformat(format=packed)
                    frame.pts, frame.time_base = time, base
                    out.mux(stream.encode(frame))
                out.mux(stream.encode(None))
                if copies:
                    copies.copy()
        except Geo3DError:
            raise
        except (av.FFmpegError, ValueError) as error:
            raise FormatError(f"cannot write {target}: {error}; .mkv takes every format") from None


class _Copies:
    """Streams of a small file in memory that are copied packet by packet."""

    def __init__(self, data: bytes, out: Any) -> None:
        import io

        try:
            self._source = pyav().open(io.BytesIO(data))
        except Exception as error:
            raise BitstreamError(f"the sound of a video is damaged: {error}") from error
        self._out = out
        self._map = {s.index: out.add_stream_from_template(s, opaque=True) for s in self._source.streams}

    def copy(self) -> None:
        for packet in self._source.demux():
            if packet.dts is not None:
                packet.stream = self._map[packet.stream.index]
                self._out.mux(packet)
        self._source.close()


def frame_from(planes: Sequence[Plane], clip: ClipAbout) -> Any:
    """A frame of the planes."""
    frame = pyav().VideoFrame(clip.width, clip.height, clip.format)
    for target, plane in zip(frame.planes, planes, strict=True):
        raw = plane.view(np.uint8).reshape(plane.shape[0], -1)
        rows = np.zeros((target.buffer_size // target.line_size, target.line_size), np.uint8)
        rows[: raw.shape[0], : raw.shape[1]] = raw
        target.update(rows.tobytes())
    return frame


def other_streams(path: Path) -> bytes:
    """Sound and subtitles of a file, copied as they are into a Matroska file in memory; empty if there are none."""
    import io

    av = pyav()
    with open_clip(path) as source:
        kept = [s for s in source.streams if s.type in ("audio", "subtitle")]
        if not kept:
            return b""
        out = io.BytesIO()
        try:
            with av.open(out, "w", format="matroska") as target:
                streams = {s.index: target.add_stream_from_template(s, opaque=True) for s in kept}
                for packet in source.demux(kept):
                    if packet.dts is not None:
                        packet.stream = streams[packet.stream.index]
                        target.mux(packet)
        except (av.FFmpegError, ValueError) as error:
            raise FormatError(
                f"{path}: its sound cannot be kept ({error}); --codec file keeps the file as it is"
            ) from None
        return out.getvalue()
