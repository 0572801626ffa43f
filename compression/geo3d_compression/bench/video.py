"""`geo3d bench video`: clips exactly beside FFV1 and x265, and with loss through SVT-AV1 beside x264 and x265.

All frames of a clip, real files' bytes: packets of the elementary stream, without the containers' own bytes and without
the text that x264 and x265 write into their first packet.  Every exact stream is decoded and compared.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from geo3d.bench.suite import Row, Suite
from geo3d.errors import Geo3DError
from geo3d_compression.bench.stereo import stereo_rows
from geo3d_compression.volume.profiles import Profile

# Frames of each clip; all where GEO3D_BENCH_FRAMES=0.
_FRAMES = 24
_PROFILES: tuple[Profile, ...] = ("fast", "best")
_QUALITIES = (20, 45, 70, 90)
# Rate factors that span about the same PSNR.
_PEERS = {
    "x264 slow": ("libx264", "preset", "slow", (36, 30, 24, 18)),
    "x265 slow": ("libx265", "preset", "slow", (38, 32, 26, 20)),
}
_EXACT_PEERS = {
    "FFV1": ("ffv1", {"level": "3", "coder": "1", "context": "1", "g": "1000", "slices": "4", "slicecrc": "1"}),
    "x265 lossless": ("libx265", {"preset": "medium", "x265-params": "lossless=1:log-level=none"}),
}


def _rows(data: Path | None) -> Iterator[Row]:
    if data is None:
        raise Geo3DError("geo3d bench video needs --data: a folder with clips (or the development data)")
    root = data / "vid" if (data / "vid").is_dir() else data
    paths = sorted(p for p in root.rglob("*") if p.suffix.lower() in (".mkv", ".y4m", ".avi", ".mp4"))
    limit = int(os.environ.get("GEO3D_BENCH_FRAMES", _FRAMES)) or None
    for path in paths:
        yield from _clip(path, limit)
    yield from stereo_rows(root, limit)


def _clip(path: Path, limit: int | None) -> Iterator[Row]:
    from geo3d_compression.video import clip as clips

    with clips.open_clip(path) as container:
        about = clips.about(container)
        frames = [clips.planes_of(f, about.format) for f in islice(clips.frames_of(container, path), limit)]
    yield from _exact_rows(path.stem, about, frames)
    if about.format.startswith(("yuv420p", "yuvj420p")):
        yield from _lossy_rows(path.stem, about, frames)


def _exact_rows(name: str, about: Any, frames: Sequence[Any]) -> Iterator[Row]:
    from geo3d_compression.video.exact import decode_frames, encode_frames

    reference = None
    rows = []
    for method, (codec, options) in _EXACT_PEERS.items():
        try:
            start = time.process_time()
            data = encode(codec, options, about, frames)
            middle = time.process_time()
        except ValueError:
            continue  # x265 does not take every format
        decoded = decode(data, about)
        if any(
            not np.array_equal(x, y) for a, b in zip(frames, decoded, strict=True) for x, y in zip(a, b, strict=True)
        ):
            raise Geo3DError(f"{name}: {method} gave other frames")
        size = packet_bytes(data)
        reference = reference or size
        rows.append((method, size, middle - start, time.process_time() - middle))
    for profile in _PROFILES:
        start = time.process_time()
        stream = encode_frames(frames, about.format, profile)
        middle = time.process_time()
        back = decode_frames(stream, len(frames), about.format, about.height, about.width, profile)
        if not _same(frames, back):
            raise Geo3DError(f"{name}: decoded frames differ")
        rows.append((f"geo3d {profile}", len(stream), middle - start, time.process_time() - middle))
    pixels = len(frames) * about.width * about.height
    for method, size, encoding, decoding in rows:
        yield {
            "clip": name, "what": "exact", "method": method, "frames": len(frames), "bytes": size,
            "bpp": 8 * size / pixels, "ratio": size / reference if reference else None,
            "enc_mpx_s": pixels / 1e6 / max(encoding, 1e-9), "dec_mpx_s": pixels / 1e6 / max(decoding, 1e-9),
        }  # fmt: skip


def _same(one: Sequence[Any], two: Sequence[Any]) -> bool:
    return len(one) == len(two) and all(
        np.array_equal(x, y) for a, b in zip(one, two, strict=True) for x, y in zip(a, b, strict=True)
    )


def _lossy_rows(name: str, about: Any, frames: Sequence[Any]) -> Iterator[Row]:
    from geo3d_compression.video.lossy import ENCODER, PRESETS, crf_of

    measured: dict[str, list[Row]] = {}
    for method, (codec, key, preset, factors) in _PEERS.items():
        quiet = {"x265-params": "log-level=none"} if codec == "libx265" else {}
        measured[method] = [
            _judged(name, f"{method} crf {c}", codec, {key: preset, "crf": str(c), **quiet}, about, frames)
            for c in factors
        ]
    for profile in _PROFILES:
        measured[f"geo3d {profile}"] = [
            _judged(
                name, f"geo3d {profile} --quality {q}", ENCODER,
                {"preset": str(PRESETS[profile]), "crf": str(crf_of(q)), "svtav1-params": "lp=2"}, about, frames,
            )
            for q in _QUALITIES
        ]  # fmt: skip
    for rows in measured.values():
        yield from rows
    for profile in _PROFILES:
        ours = measured[f"geo3d {profile}"]
        yield {
            "clip": name, "what": "BD-rate", "method": f"geo3d {profile} ÷ x265 slow", "frames": len(frames),
            "ratio": 1 + bd_rate(measured["x265 slow"], ours),
        }  # fmt: skip


def _judged(name: str, method: str, codec: str, options: dict[str, str], about: Any, frames: Sequence[Any]) -> Row:
    from geo3d_compression.video.quality import ms_ssim, psnr

    start = time.process_time()
    data = encode(codec, options, about, frames)
    seconds = time.process_time() - start
    decoded = decode(data, about)
    pixels = len(frames) * about.width * about.height
    peak = 255.0 if frames[0][0].dtype == np.uint8 else 1023.0
    luma = [(a[0], b[0]) for a, b in zip(frames, decoded, strict=True)]
    return {
        "clip": name, "what": "lossy", "method": method, "frames": len(frames), "bytes": packet_bytes(data),
        "bpp": 8 * packet_bytes(data) / pixels, "enc_mpx_s": pixels / 1e6 / max(seconds, 1e-9),
        "psnr_y": psnr(np.stack([a for a, _ in luma]), np.stack([b for _, b in luma]), peak),
        "ms_ssim": float(np.mean([ms_ssim(a, b, peak) for a, b in luma[::6]])),
    }  # fmt: skip


def encode(codec: str, options: dict[str, str], about: Any, frames: Sequence[Any]) -> bytes:
    """A Matroska file of the frames.  Raises `ValueError` where the encoder does not take the format."""
    from fractions import Fraction

    from geo3d_compression.video import clip as clips
    from geo3d_compression.video.lossy import quiet

    av = clips.pyav()
    out = io.BytesIO()
    try:
        with quiet(), av.open(out, "w", format="matroska") as target:
            stream = target.add_stream(codec, rate=Fraction(*about.rate), options=options)
            stream.width, stream.height = about.width, about.height
            stream.pix_fmt = packed = clips.PACKED.get(about.format, about.format)
            for k, planes in enumerate(frames):
                frame = clips.frame_from(planes, about)
                if packed != about.format:
                    frame = frame.reformat(format=packed)
                frame.pts, frame.time_base = k, 1 / Fraction(*about.rate)
                target.mux(stream.encode(frame))
            target.mux(stream.encode(None))
    except av.FFmpegError as error:
        raise ValueError(f"{codec} does not take {about.format}: {error}") from None
    return out.getvalue()


def decode(data: bytes, about: Any) -> list[Any]:
    """The frames of a Matroska file."""
    from geo3d_compression.video import clip as clips

    with clips.pyav().open(io.BytesIO(data)) as source:
        return [clips.planes_of(f, about.format) for f in source.decode(source.streams.video[0])]


def packet_bytes(data: bytes) -> int:
    """Bytes of the packets in a Matroska file, less the option text of x264 and x265."""
    from geo3d_compression.video import clip as clips

    size = 0
    with clips.pyav().open(io.BytesIO(data)) as source:
        for packet in source.demux(source.streams.video[0]):
            size += packet.size - (_option_text(bytes(packet)) if size == 0 else 0)
    return size


def _option_text(packet: bytes) -> int:
    """Length of the unregistered user data in which an encoder tells its options."""
    for tag in (b"x264 - core", b"x265 (build"):
        at = packet.find(tag)
        if at >= 0:
            end = packet.find(b"\0", at)
            return max(end, at) - at
    return 0


def bd_rate(reference: Sequence[Row], ours: Sequence[Row]) -> float:
    """Mean difference of log rate over the PSNR that both reach (G. Bjontegaard, VCEG-M33), Akima interpolation."""
    from scipy.interpolate import Akima1DInterpolator

    curves = []
    for rows in (reference, ours):
        points = sorted((r["psnr_y"], np.log(r["bpp"])) for r in rows)
        curves.append((np.array([p[0] for p in points]), np.array([p[1] for p in points])))
    low, high = max(c[0][0] for c in curves), min(c[0][-1] for c in curves)
    if high <= low:
        return float("nan")
    at = np.linspace(low, high, 200)
    means = [float(np.mean(Akima1DInterpolator(x, y)(at))) for x, y in curves]
    return float(np.exp(means[1] - means[0]) - 1)


def _summary(rows: list[Row]) -> list[Row]:
    """Geometric means: ours ÷ FFV1, and the BD-rates."""
    result = []
    for what, method in [("exact", f"geo3d {p}") for p in _PROFILES] + [
        ("BD-rate", f"geo3d {p} ÷ x265 slow") for p in _PROFILES
    ]:
        found = [r["ratio"] for r in rows if r["what"] == what and r["method"] == method and r["ratio"]]
        if found:
            mean = float(np.exp(np.nanmean(np.log(found))))
            result.append({"clip": f"geometric mean of {len(found)}", "what": what, "method": method, "ratio": mean})
    return result


SUITE: Suite = {
    "description": "clips exactly against FFV1 and x265, with loss (SVT-AV1) against x264 and x265",
    "columns": [
        "clip",
        "what",
        "method",
        "frames",
        "bytes",
        "bpp",
        "ratio",
        "psnr_y",
        "ms_ssim",
        "enc_mpx_s",
        "dec_mpx_s",
    ],
    "rows": _rows,
    "summary": _summary,
}
