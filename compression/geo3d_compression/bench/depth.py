"""Depth sequences: bytes of whole files, every stream decoded and compared, against 16-bit PNG, RVL and JPEG XL."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.bench.suite import Row, Suite
from geo3d.errors import Geo3DError
from geo3d_compression.bench.rvl import rvl_decode, rvl_encode

# Consecutive pictures of each folder that are measured.
FRAMES = 30


def rows(data: Path | None) -> Iterator[Row]:
    """Measure a depth folder, or each folder in it."""
    from geo3d_compression.depth.folder import DepthSource, read_source

    if data is None or not data.is_dir():
        raise Geo3DError("this benchmark needs RGB-D folders: --data ../shared/data/reg")
    folders = sorted(p for p in data.iterdir() if p.is_dir()) if not any(data.glob("*.png")) else [data]
    for folder in folders:
        try:
            source = read_source(folder)
        except Geo3DError:
            continue
        count = min(FRAMES, len(source.frames))
        frames = np.stack([source.frames[k] for k in range(count)])
        motions = None if source.motions is None else source.motions[:count]
        part = DepthSource(frames, source.names[:count], source.camera, motions)
        yield from _measure(folder.name, frames, part)


def _measure(name: str, frames: NDArray[np.uint16], source: Any) -> Iterator[Row]:
    sizes = {"geo3d": _ours(frames, source), "geo3d, no poses": _ours(frames, None)}
    sizes["RVL"] = _each(frames, rvl_encode, lambda b: rvl_decode(b, frames[0].shape))
    if importlib.util.find_spec("imagecodecs"):
        import imagecodecs as ic

        sizes["PNG-16"] = _each(frames, lambda f: ic.png_encode(f, level=9), ic.png_decode)
        sizes["JPEG XL e7"] = _each(frames, lambda f: ic.jpegxl_encode(f, lossless=True, effort=7), ic.jpegxl_decode)
    for method, (size, encode, decode) in sizes.items():
        yield {
            "case": name, "frames": len(frames), "method": method, "bytes": size, "bpp": 8 * size / frames.size,
            "cpu s/frame enc": encode / len(frames), "cpu s/frame dec": decode / len(frames),
        }  # fmt: skip


def _ours(frames: NDArray[np.uint16], source: Any) -> tuple[int, float, float]:
    from geo3d_compression.container import Container, ContainerWriter, Item
    from geo3d_compression.depth import DepthOptions, decode_depth, encode_depth

    camera, motions = (None, None) if source is None else (source.camera, source.motions)
    start = time.process_time()
    with ContainerWriter() as writer:
        item = writer.add_item(Item("depth", "depth", 7))
        encode_depth(frames, writer, item, DepthOptions(), camera, motions)
        data = writer.to_bytes()
    middle = time.process_time()
    with Container(data) as container:
        back = decode_depth(container, 0)
    end = time.process_time()
    if not np.array_equal(back, frames):
        raise Geo3DError("depth did not come back exactly")
    return len(data), middle - start, end - middle


def _each(frames: NDArray[np.uint16], encode: Any, decode: Any) -> tuple[int, float, float]:
    start = time.process_time()
    streams = [encode(np.ascontiguousarray(f)) for f in frames]
    middle = time.process_time()
    back = [decode(s) for s in streams]
    end = time.process_time()
    if not all(np.array_equal(a, b) for a, b in zip(back, frames, strict=True)):
        raise Geo3DError("a peer did not give the depth back")
    return sum(map(len, streams)), middle - start, end - middle


def summary(measured: list[Row]) -> list[Row]:
    """Our bytes ÷ each peer's, by folder."""
    result: list[Row] = []
    for case in dict.fromkeys(r["case"] for r in measured):
        size = {r["method"]: r["bytes"] for r in measured if r["case"] == case}
        for ours in ("geo3d", "geo3d, no poses"):
            ratios = {f"÷ {m}": size[ours] / b for m, b in size.items() if not m.startswith("geo3d")}
            result.append({"case": case, "method": ours, **ratios})
    return result


SUITE: Suite = {
    "description": "depth sequences, lossless, against 16-bit PNG, RVL and JPEG XL",
    "columns": ["case", "frames", "method", "bytes", "bpp", "cpu s/frame enc", "cpu s/frame dec"],
    "rows": rows,
    "summary": summary,
}
