"""`geo3d bench rgbd`: colour frames of RGB-D folders, every file decoded and compared, beside JPEG XL's transcode.

Ours is all that a decoder needs beside the depth and the stored files: streams of the groups with motions and grids.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal

from geo3d.bench.suite import Row, Suite
from geo3d.errors import Geo3DError

_SCANS = ("box_desk", "redkitchen_kinect")
_PROFILES: tuple[Literal["fast", "best"], ...] = ("fast", "best")
# Consecutive frames of each scan; all where GEO3D_BENCH_FRAMES=0.
_FRAMES = 40


def _rows(data: Path | None) -> Iterator[Row]:
    if data is None:
        raise Geo3DError("geo3d bench rgbd needs --data: a folder with RGB-D folders (or the development data)")
    root = data / "reg" if (data / "reg").is_dir() else data
    scans = [root / s for s in _SCANS if (root / s).is_dir()] or sorted(p for p in root.iterdir() if p.is_dir())
    limit = int(os.environ.get("GEO3D_BENCH_FRAMES", _FRAMES))
    for scan in scans:
        yield from _scan(scan, limit)


def _scan(scan: Path, limit: int) -> Iterator[Row]:
    from geo3d_compression.rgbd.folder import FrameFolder, read_folder
    from geo3d_compression.rgbd.group import decode_group, encode_group
    from geo3d_compression.rgbd.picture_group import decode_picture_group, encode_picture_group
    from geo3d_compression.rgbd.plan import plan

    folder = read_folder(scan)
    frames = folder.frames[:limit] if limit else folder.frames
    start = time.process_time()
    whole = plan(FrameFolder(scan, folder.files, frames, folder.calibration, folder.no_depth))
    original = sum((scan / f.color).stat().st_size for f in frames)
    pixels = sum(width * height for width, height, _ in whole.sizes.values())
    planning = time.process_time() - start

    def row(method: str, size: int, encode: float, decode: float) -> Row:
        return {
            "scan": scan.name, "method": method, "frames": len(frames), "bytes": size, "jpeg_bytes": original,
            "ratio": size / original, "enc_mpx_s": pixels / 1e6 / encode, "dec_mpx_s": pixels / 1e6 / decode,
        }  # fmt: skip

    for profile in _PROFILES:
        size, encode, decode = 0, planning, 0.0
        for group in whole.groups:
            sources = whole.sources(group)
            start = time.process_time()
            stream = encode_group(sources, whole.calibration, profile)
            middle = time.process_time()
            files = decode_group(stream, [partial(_depth, s) for s in sources], whole.calibration)
            encode, decode = encode + middle - start, decode + time.process_time() - middle
            _check(scan, [f.color for f in group], files)
            size += len(stream)
        for group in whole.pictures:
            pictures = whole.picture_sources(group)
            start = time.process_time()
            stream = encode_picture_group(pictures, whole.calibration, profile)
            middle = time.process_time()
            files = decode_picture_group(stream, [partial(_depth, p) for p in pictures], whole.calibration)
            encode, decode = encode + middle - start, decode + time.process_time() - middle
            _check(scan, [f.color for f in group], files)
            size += len(stream)
        stored = sum((scan / f.color).stat().st_size for f in frames if f.color not in whole.sizes)
        yield row(f"geo3d {profile}", size + stored, encode, decode)
    try:
        import imagecodecs
    except ImportError:
        return
    size, encode, decode = 0, 0.0, 0.0
    for f in frames:
        file = (scan / f.color).read_bytes()
        if not file.startswith(b"\xff\xd8"):
            return
        start = time.process_time()
        stream = bytes(imagecodecs.jpegxl_encode_jpeg(file))
        middle = time.process_time()
        if imagecodecs.jpegxl_decode_jpeg(stream, numthreads=1) != file:
            raise Geo3DError(f"{f.color}: JPEG XL gave another file")
        encode, decode = encode + middle - start, decode + time.process_time() - middle
        size += len(stream)
    yield row("JPEG XL transcode", size, encode, decode)


def _check(scan: Path, names: list[str], files: list[bytes]) -> None:
    if files != [(scan / name).read_bytes() for name in names]:
        raise Geo3DError(f"{scan.name}: decoded frames differ from the files")


def _depth(source: Any) -> Any:
    return source.depth


def _summary(rows: list[Row]) -> list[Row]:
    return []


SUITE: Suite = {
    "description": "JPEG colour frames of RGB-D folders, exactly, against JPEG XL's transcode",
    "columns": ["scan", "method", "frames", "bytes", "ratio", "enc_mpx_s", "dec_mpx_s"],
    "rows": _rows,
    "summary": _summary,
}
