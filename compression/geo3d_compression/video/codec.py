"""Video files in a container: AV1 with `--quality`; else frames exactly where the file holds them exactly, or the file.

HEADER        way, size, frames, format, time base, group
METADATA      time stamps (differences, coded); index 1: sound and subtitles, a Matroska file
DATA part g   way "exact": group g of frames; "av1": a Matroska file; "file": the file
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from geo3d.errors import BitstreamError, FormatError, Geo3DError
from geo3d.io.atomic import write_bytes
from geo3d_compression.codecs.codec import Outcome, Request, View
from geo3d_compression.container import ChunkType, Container, ContainerWriter, Item
from geo3d_compression.container.fields import Choice, Cursor, Field, Float, UInt, pack, unpack
from geo3d_compression.entropy.byte_model import decode_bytes, encode_bytes
from geo3d_compression.video import clip as clips
from geo3d_compression.video.clip import ClipAbout, Plane
from geo3d_compression.video.exact import decode_frames, encode_frames
from geo3d_compression.video.lossy import encode_video, remux
from geo3d_compression.video.quality import ms_ssim
from geo3d_compression.video.times import pack_times, unpack_times

NUMBER, KIND = 11, "video"
GROUP = 48
_WAYS = ("file", "av1", "exact")
_HEADER: tuple[Field, ...] = (
    Choice("profile", ("fast", "best")), Choice("way", _WAYS), UInt("width", clips.MAX_SIDE, low=1),
    UInt("height", clips.MAX_SIDE, low=1), UInt("frames", 1 << 30), UInt("size", 1 << 44), Float("quality", 0, 100),
    Choice("format", ("none", *clips.PLANAR)), UInt("base numerator", 1 << 31), UInt("base denominator", 1 << 31),
    UInt("rate numerator", 1 << 31), UInt("rate denominator", 1 << 31), UInt("range", 15), UInt("space", 31),
    UInt("group", 1 << 20, low=1), UInt("times length", 1 << 32),
)  # fmt: skip
_NO_CLIP = ClipAbout(1, 1, "none", (1, 1), (1, 1), 0, 2)
# Frames of which quality is reported: MS-SSIM is slow.
_JUDGED = 8


def compress(source: Path, writer: ContainerWriter, name: str, request: Request) -> Outcome:
    if request.quality is not None and request.lossless:
        raise Geo3DError("--lossless and --quality contradict each other")
    with clips.open_clip(source) as container:
        exact, about = clips.is_lossless(container), clips.about(container)
    if request.quality is not None:
        return _lossy(source, writer, name, request, about)
    return _exact(source, writer, name, request, about) if exact else _whole(source, writer, name, request, about)


def _lossy(source: Path, writer: ContainerWriter, name: str, request: Request, about: ClipAbout) -> Outcome:
    assert request.quality is not None
    coded = encode_video(source, request.quality, request.profile)
    item = writer.add_item(Item(name, KIND, NUMBER))
    size = source.stat().st_size
    about = ClipAbout(coded.width, coded.height, "none", about.base, about.rate, about.range, about.space)
    _put_header(writer, item, request, "av1", about, coded.frames, size, 0)
    writer.add_chunk(item, ChunkType.DATA, coded.data)
    details = {
        "method": "av1", "width": coded.width, "height": coded.height, "bytes_in": size, "exact": False,
        "turned": coded.turned, "bits_per_pixel": 8 * len(coded.data) / (coded.frames * coded.width * coded.height),
        **judge(source, coded.data, coded.turned),
    }  # fmt: skip
    return Outcome(coded.frames, details)


def judge(source: Path, data: bytes, turned: int = 0) -> dict[str, float | None]:
    """PSNR of luma over all frames, MS-SSIM of luma over some, of a Matroska file against the file it was made of."""
    errors, similar, count = 0.0, [], 0
    with clips.open_clip(source) as a, clips.pyav().open(io.BytesIO(data)) as b:
        for one, two in zip(clips.frames_of(a, source), b.decode(b.streams.video[0]), strict=False):
            x, y = (np.asarray(f.to_ndarray(format="gray")) for f in (one, two))
            x = np.rot90(x, turned // 90)
            if x.shape != y.shape:
                return {"psnr_y": None, "ms_ssim": None}
            errors += float(np.mean((x.astype(np.float64) - y) ** 2))
            if count < _JUDGED:
                similar.append(ms_ssim(x, y))
            count += 1
    mean = errors / max(count, 1)
    quality = 10 * float(np.log10(255.0**2 / mean)) if mean else None
    return {"psnr_y": quality, "ms_ssim": float(np.mean(similar)) if similar else None}


def _whole(source: Path, writer: ContainerWriter, name: str, request: Request, about: ClipAbout) -> Outcome:
    """A file whose own codec is lossy: its frames, decoded, would take more room than it does."""
    from geo3d_compression.codecs.file import add_part

    data = source.read_bytes()
    with clips.open_clip(source) as container:
        frames = sum(1 for _ in clips.frames_of(container, source))
    item = writer.add_item(Item(name, KIND, NUMBER))
    plain = ClipAbout(about.width, about.height, "none", about.base, about.rate, about.range, about.space)
    _put_header(writer, item, request, "file", plain, frames, len(data), 0)
    step = 1 << 24
    for part, start in enumerate(range(0, len(data), step)):
        add_part(writer, item, part, data[start : start + step])
    return Outcome(frames, {"method": "stored", "bytes_in": len(data), "exact": True})


def _exact(source: Path, writer: ContainerWriter, name: str, request: Request, about: ClipAbout) -> Outcome:
    group = request.group or GROUP
    sound = clips.other_streams(source)
    times: list[int] = []
    item = writer.add_item(Item(name, KIND, NUMBER))
    with clips.open_clip(source) as container, ThreadPoolExecutor(request.threads) as pool:
        frames = clips.frames_of(container, source)
        parts = 0
        # As many groups at a time as there are threads: memory stays bounded.
        while batch := [g for _ in range(request.threads) if (g := _take(frames, group, about, times))]:
            for data in pool.map(lambda g: encode_frames(g, about.format, request.profile), batch):
                writer.add_chunk(item, ChunkType.DATA, data, part=parts)
                parts += 1
    if not times:
        raise FormatError(f"{source} holds no frames")
    packed = pack_times(times)
    _put_header(writer, item, request, "exact", about, len(times), source.stat().st_size, len(packed), group)
    writer.add_chunk(item, ChunkType.METADATA, encode_bytes(packed))
    if sound:
        writer.add_chunk(item, ChunkType.METADATA, sound, index=1)
    return Outcome(len(times), {"method": "exact", "bytes_in": source.stat().st_size, "exact": True})


def _take(frames: Iterator[Any], count: int, about: ClipAbout, times: list[int]) -> list[list[Plane]]:
    result = []
    for frame in islice(frames, count):
        if (frame.width, frame.height) != (about.width, about.height):
            raise FormatError(f"frame {len(times)} has another size; --codec file keeps such a file as it is")
        times.append(int(frame.pts) if frame.pts is not None else len(times))
        result.append(clips.planes_of(frame, about.format))
    return result


def _put_header(
    writer: ContainerWriter, item: int, request: Request, way: str, about: ClipAbout, frames: int, size: int,
    times: int, group: int = GROUP,
) -> None:  # fmt: skip
    values = {
        "profile": request.profile, "way": way, "width": about.width, "height": about.height, "frames": frames,
        "size": size, "quality": 100.0 if request.quality is None else request.quality, "format": about.format,
        "base numerator": about.base[0], "base denominator": about.base[1], "rate numerator": about.rate[0],
        "rate denominator": about.rate[1], "range": about.range, "space": about.space, "group": group,
        "times length": times,
    }  # fmt: skip
    writer.add_chunk(item, ChunkType.HEADER, pack(_HEADER, values), critical=True)


def decompress(container: Container, item: int, target: Path, view: View) -> Outcome:
    h = _header(container, item)
    if h["way"] == "av1":
        data = container.need(item, ChunkType.DATA)
        if target.suffix.lower() == ".y4m":
            _write_decoded(data, target)
        else:
            remux(data, target)
    elif h["way"] == "file":
        write_bytes(target, _stored(container, item, h["size"]))
    else:
        _write_exact(container, item, h, target, view)
    return Outcome(h["frames"], {"exact": h["way"] != "av1"})


def _stored(container: Container, item: int, size: int) -> bytes:
    from geo3d_compression.codecs.file import read_part

    count = -(-size // (1 << 24))
    data = b"".join(read_part(container.need(item, ChunkType.DATA, k)) for k in range(count))
    if len(data) != size:
        raise BitstreamError(f"a stored video has {len(data)} bytes instead of {size}")
    return data


def _write_exact(container: Container, item: int, h: dict[str, Any], target: Path, view: View) -> None:
    about = ClipAbout(
        h["width"], h["height"], h["format"], (h["base numerator"], max(h["base denominator"], 1)),
        (h["rate numerator"], max(h["rate denominator"], 1)), h["range"], h["space"],
    )  # fmt: skip
    if about.format == "none":
        raise BitstreamError("a video item of exact frames has no pixel format")
    times = unpack_times(decode_bytes(container.need(item, ChunkType.METADATA), h["times length"]), h["frames"])
    sound = container.need(item, ChunkType.METADATA, 0, 1) if _has_sound(container, item) else b""
    clips.write_clip(target, about, times, _decoded(container, item, h, about, view), sound)


def _has_sound(container: Container, item: int) -> bool:
    return any(c.type == ChunkType.METADATA and c.index == 1 for c in container.of(item))


def _decoded(
    container: Container, item: int, h: dict[str, Any], about: ClipAbout, view: View
) -> Iterator[list[Plane]]:  # fmt: skip
    group = h["group"]
    counts = [min(group, h["frames"] - i) for i in range(0, h["frames"], group)]

    def decode(job: tuple[int, bytes]) -> list[list[Plane]]:
        return decode_frames(job[1], job[0], about.format, about.height, about.width, h["profile"])

    with ThreadPoolExecutor(view.threads) as pool:
        for first in range(0, len(counts), view.threads):
            parts = range(first, min(first + view.threads, len(counts)))
            jobs = [(counts[k], container.need(item, ChunkType.DATA, k)) for k in parts]
            for frames in pool.map(decode, jobs):
                yield from frames


def _write_decoded(data: bytes, target: Path) -> None:
    with clips.pyav().open(io.BytesIO(data)) as source:
        stream = source.streams.video[0]
        about = clips.about(source)
        frames = list(source.decode(stream))
        times = [int(f.pts) for f in frames]
        clips.write_clip(target, about, times, (clips.planes_of(f, about.format) for f in frames))


def describe(container: Container, item: int) -> dict[str, Any]:
    h = _header(container, item)
    return {
        "profile": h["profile"], "frames": h["frames"], "width": h["width"], "height": h["height"],
        "method": {"av1": "av1", "file": "stored", "exact": "exact"}[h["way"]], "exact": h["way"] != "av1",
        "bytes_in": h["size"],
    }  # fmt: skip


def _header(container: Container, item: int) -> dict[str, Any]:
    cursor = Cursor(container.need(item, ChunkType.HEADER), "video header")
    values = unpack(_HEADER, cursor)
    cursor.finish()
    return values
