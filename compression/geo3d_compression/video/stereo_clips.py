"""Two videos of a stereo camera: exact frames where both files hold them exactly, AV1 with `--quality`, or the files.

Both views have the size, the format and as many frames as the left one; time stamps and sound are the left one's.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from geo3d.errors import BitstreamError, FormatError
from geo3d.io.atomic import write_bytes
from geo3d_compression.codecs.codec import Request
from geo3d_compression.container.fields import Choice, Cursor, Field, UInt, pack, unpack
from geo3d_compression.entropy.byte_model import decode_bytes, encode_bytes
from geo3d_compression.image.stored import decode_bytes_any, encode_bytes_any
from geo3d_compression.video import clip as clips
from geo3d_compression.video.clip import ClipAbout, Plane
from geo3d_compression.video.exact import decode_frames, encode_frames
from geo3d_compression.video.lossy import add_stream, check_encoder, crf_of, quiet
from geo3d_compression.video.quality import ms_ssim
from geo3d_compression.video.stereo_about import Pair
from geo3d_compression.video.times import pack_times, unpack_times
from geo3d_compression.video.views import decode_right, encode_right

_GROUP = 24
_ABOUT: tuple[Field, ...] = (
    Choice("format", clips.PLANAR), UInt("base numerator", 1 << 31, low=1), UInt("base denominator", 1 << 31, low=1),
    UInt("rate numerator", 1 << 31, low=1), UInt("rate denominator", 1 << 31, low=1), UInt("range", 15),
    UInt("space", 31), UInt("group", 1 << 20, low=1), UInt("times length", 1 << 32),
)  # fmt: skip
# Frames of which MS-SSIM is reported.
_JUDGED = 4


def encode_pair(left: Path, right: Path, request: Request) -> Pair:
    """The best way that two files allow."""
    with clips.open_clip(left) as a, clips.open_clip(right) as b:
        abouts = [clips.about(c) for c in (a, b)]
        exact = clips.is_lossless(a) and clips.is_lossless(b)
    if (abouts[0].width, abouts[0].height) != (abouts[1].width, abouts[1].height):
        raise FormatError(
            f"{left.name} has {abouts[0].width}x{abouts[0].height} pixels, {right.name} "
            f"{abouts[1].width}x{abouts[1].height}: views of two sizes are no pair; compress them one by one"
        )
    if request.quality is not None:
        return _lossy(left, right, request, abouts[0])
    if exact and abouts[0].format == abouts[1].format:
        return _exact(left, right, request, abouts[0])
    data = [path.read_bytes() for path in (left, right)]
    with clips.open_clip(left) as a:
        count = sum(1 for _ in clips.frames_of(a, left))
    streams = [encode_bytes_any(d, request.profile, request.threads) for d in data]
    return Pair("files", count, abouts[0].width, abouts[0].height, streams)


def write_pair(pair: Pair, target: Path, names: tuple[str, str], threads: int) -> None:
    """Write two .mkv files of exact frames (FFV1) into the folder `target`."""
    if pair.way == "files":
        for name, part in zip(names, pair.parts, strict=True):
            write_bytes(target / name, decode_bytes_any(part, threads))
        return
    cursor = Cursor(pair.about, "stereo clip")
    h = unpack(_ABOUT, cursor)
    cursor.finish()
    about = ClipAbout(
        pair.width, pair.height, h["format"], (h["base numerator"], h["base denominator"]),
        (h["rate numerator"], h["rate denominator"]), h["range"], h["space"],
    )  # fmt: skip
    if not pair.beside:
        raise BitstreamError("a stereo clip has no time stamps")
    times = unpack_times(decode_bytes(pair.beside[0], h["times length"]), pair.frames)
    sound = pair.beside[1] if len(pair.beside) > 1 else b""
    for view, name in enumerate(names):
        path = target / Path(name).with_suffix(".mkv")
        clips.write_clip(path, about, times, _view(pair, about, h["group"], view), sound if view == 0 else b"")


def _view(pair: Pair, about: ClipAbout, group: int, view: int) -> Iterator[list[Plane]]:
    if pair.way == "av1":
        with clips.pyav().open(io.BytesIO(pair.parts[0])) as source:
            frames = source.decode(source.streams.video[0])
            for frame in islice(frames, view, None, 2):
                yield clips.planes_of(frame, about.format)
        return
    counts = [min(group, pair.frames - i) for i in range(0, pair.frames, group)]
    if len(pair.parts) != 2 * len(counts):
        raise BitstreamError(f"a stereo clip has {len(pair.parts)} parts for {len(counts)} groups of frames")
    for g, count in enumerate(counts):
        left = decode_frames(pair.parts[2 * g], count, about.format, about.height, about.width, pair.profile)  # type: ignore[arg-type]
        highest = clips.highest_sample(about.format)
        yield from decode_right(pair.parts[2 * g + 1], left, highest, pair.profile) if view else left  # type: ignore[arg-type]


def _exact(left: Path, right: Path, request: Request, about: ClipAbout) -> Pair:
    group = request.group or _GROUP
    parts: list[bytes] = []
    times: list[int] = []
    highest = clips.highest_sample(about.format)
    frames = _frames(left, right)
    while chunk := list(islice(frames, group)):
        times += [_time(a, len(times) + k) for k, (a, _) in enumerate(chunk)]
        views = [[clips.planes_of(pair[v], about.format) for pair in chunk] for v in range(2)]
        parts.append(encode_frames(views[0], about.format, request.profile))
        parts.append(encode_right(views[0], views[1], highest, request.profile))
    return _pair("exact", left, parts, times, about, group)


def _lossy(left: Path, right: Path, request: Request, about: ClipAbout) -> Pair:
    """Left and right frames take turns in one AV1 stream, so that each view is predicted from the other too."""
    assert request.quality is not None
    crf = crf_of(request.quality)
    check_encoder()
    av = clips.pyav()
    out = io.BytesIO()
    times: list[int] = []
    stream: Any = None
    base = Fraction(*about.rate) * 2
    with quiet(), av.open(out, "w", format="matroska") as target:
        for pair in _frames(left, right):
            for view, frame in enumerate(pair):
                if stream is None:
                    stream = add_stream(target, base, frame, crf, request.profile, 1 / base)
                    stream.codec_context.color_range, stream.codec_context.colorspace = about.range, about.space
                plain = frame.reformat(format=stream.pix_fmt)
                plain.pts, plain.time_base = 2 * len(times) + view, 1 / base
                plain.pict_type = av.video.frame.PictureType.NONE
                target.mux(stream.encode(plain))
            times.append(_time(pair[0], len(times)))
        if stream is None:
            raise FormatError(f"{left} holds no frames")
        target.mux(stream.encode(None))
    data = out.getvalue()
    shown = ClipAbout(
        about.width, about.height, str(stream.pix_fmt), about.base, about.rate, about.range, about.space
    )  # fmt: skip
    return _pair("av1", left, [data], times, shown, 1, _judge(left, right, data))


def _judge(left: Path, right: Path, data: bytes) -> dict[str, Any]:
    """PSNR of luma over all frames of both views, MS-SSIM over some."""
    errors: list[float] = []
    similar: list[float] = []
    with clips.pyav().open(io.BytesIO(data)) as source:
        coded = source.decode(source.streams.video[0])
        for truth in (frame for pair in _frames(left, right) for frame in pair):
            x, y = (np.asarray(f.to_ndarray(format="gray")) for f in (truth, next(coded)))
            errors.append(float(np.mean((x.astype(np.float64) - y) ** 2)))
            if len(similar) < _JUDGED:
                similar.append(ms_ssim(x, y))
    mean = float(np.mean(errors))
    return {"psnr_y": 10 * float(np.log10(255.0**2 / mean)) if mean else None, "ms_ssim": float(np.mean(similar))}


def _pair(
    way: str, left: Path, parts: list[bytes], times: list[int], about: ClipAbout, group: int,
    details: dict[str, Any] | None = None,
) -> Pair:  # fmt: skip
    if not times:
        raise FormatError(f"{left} holds no frames")
    packed = pack_times(times)
    values = {
        "format": about.format, "base numerator": about.base[0], "base denominator": about.base[1],
        "rate numerator": about.rate[0], "rate denominator": about.rate[1], "range": about.range,
        "space": about.space, "group": group, "times length": len(packed),
    }  # fmt: skip
    sound = clips.other_streams(left)
    beside = [encode_bytes(packed), *([sound] if sound else [])]
    return Pair(
        way, len(times), about.width, about.height, parts, beside, pack(_ABOUT, values), details=details or {}
    )  # fmt: skip


def _frames(left: Path, right: Path) -> Iterator[tuple[Any, Any]]:
    """Pairs of decoded frames."""
    with clips.open_clip(left) as a, clips.open_clip(right) as b:
        for k, (one, two) in enumerate(zip_longest(clips.frames_of(a, left), clips.frames_of(b, right))):
            if one is None or two is None:
                raise FormatError(
                    f"{(left if one is None else right).name} ends after {k} frames, the other view does not"
                )
            yield one, two


def _time(frame: Any, number: int) -> int:
    return number if frame.pts is None else int(frame.pts)
