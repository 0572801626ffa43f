"""Depth pictures: a 16-bit PNG, a folder of them, the depth half of an RGB-D folder, or an array."""

from __future__ import annotations

import os
import shutil
import tempfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import BitstreamError, FormatError, Geo3DError
from geo3d.io.atomic import atomic_path
from geo3d_compression.codecs.codec import Outcome, Request, Unit, View
from geo3d_compression.codecs.file import inflate
from geo3d_compression.container import ChunkType, Container, ContainerWriter, Item

_MOST_NAMES = 1 << 26


class DepthCodec:
    """See `geo3d_compression.depth`."""

    number = 7
    kind = "depth"
    unit: Unit = "pixels"
    suffixes: tuple[str, ...] = ("", ".npy", ".png")

    def compress(self, source: Path, writer: ContainerWriter, name: str, request: Request) -> Outcome:
        from geo3d_compression.depth import DepthOptions, encode_depth
        from geo3d_compression.depth.codec import DEFAULT_GROUP
        from geo3d_compression.depth.folder import read_source

        if request.grid is not None or request.bits is not None:
            raise Geo3DError("--grid and --bits have no meaning for depth; --quality N allows errors of N sensor steps")
        bound = 0 if request.quality is None else int(request.quality)
        if bound < 0 or (request.quality is not None and bound != request.quality) or (bound and request.lossless):
            raise Geo3DError(
                f"of depth, --quality is the largest error in sensor steps, a whole number, and not with --lossless; "
                f"got {request.quality}"
            )
        depth = read_source(source)
        options = DepthOptions(request.group or DEFAULT_GROUP, bound, request.threads)
        if request.group is not None and request.group < 1:
            raise Geo3DError(f"--group must be at least 1 picture, got {request.group}")
        item = writer.add_item(Item(name, self.kind, self.number))
        encode_depth(depth.frames, writer, item, options, depth.camera, depth.motions)
        writer.add_chunk(item, ChunkType.METADATA, zlib.compress("\n".join(depth.names).encode(), 9))
        height, width = depth.frames[0].shape
        return Outcome(len(depth.names) * height * width, {"frames": len(depth.names), "max_error_steps": bound})

    def decompress(self, container: Container, item: int, target: Path, view: View) -> Outcome:
        from geo3d_compression.depth import decode_depth

        if view.level is not None or view.bbox is not None:
            raise Geo3DError("depth has no levels and no --bbox; geo3d_compression.depth.decode_depth reads pictures")
        frames = decode_depth(container, item, threads=view.threads, losses=view.losses if view.salvage else None)
        suffix = target.suffix.lower()
        if suffix == ".npy":
            with atomic_path(target) as temporary, temporary.open("wb") as file:
                np.save(file, frames, allow_pickle=False)
        elif suffix == ".png" and len(frames) == 1:
            with atomic_path(target) as temporary:
                _write_png(temporary, frames[0])
        elif suffix:
            raise FormatError(f"{target}: {len(frames)} depth pictures are written to a folder or to .npy")
        else:
            _write_folder(target, frames, _names(container, item, len(frames)))
        return Outcome(frames.size, {"frames": len(frames)})

    def describe(self, container: Container, item: int) -> dict[str, Any]:
        from geo3d_compression.depth.codec import read_header

        h = read_header(container, item)
        return {
            "pixels": h.frames * h.height * h.width, "frames": h.frames, "size": [h.width, h.height],
            "frames_per_group": h.group, "sensor_steps": len(h.steps.values), "max_error_steps": h.bound,
            "warped_context": h.camera is not None,
        }  # fmt: skip


def _names(container: Container, item: int, count: int) -> list[str]:
    """The pictures' file names, kept inside the output folder."""
    text = inflate(container.need(item, ChunkType.METADATA), _MOST_NAMES)
    try:
        names = text.decode().split("\n")
    except UnicodeDecodeError as error:
        raise BitstreamError("the names of depth pictures are damaged") from error
    if len(names) != count or len(set(names)) != count:
        raise BitstreamError(f"{count} depth pictures have {len(set(names))} names")
    for name in names:
        parts = PurePosixPath(name).parts
        if not parts or name.startswith("/") or "\\" in name or ":" in name or ".." in parts or "\0" in name:
            raise BitstreamError(f"a depth picture is called '{name}', which would leave the output folder")
    return names


def _write_folder(target: Path, frames: NDArray[np.uint16], names: list[str]) -> None:
    """All pictures appear together, in a new or empty folder."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise FormatError(f"cannot write {target}: depth pictures need a new or empty folder")
    parent = target.resolve().parent
    if not parent.is_dir():
        raise FormatError(f"cannot write {target}: the folder {parent} does not exist")
    work = Path(tempfile.mkdtemp(prefix=".tmp-", dir=parent))
    try:
        for name, frame in zip(names, frames, strict=True):
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            _write_png(work / name, frame)
        if target.exists():
            target.rmdir()
        work.chmod(0o755)
        os.replace(work, target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _write_png(path: Path, frame: NDArray[np.uint16]) -> None:
    from PIL import Image

    with path.open("wb") as file:
        Image.fromarray(frame).save(file, format="PNG")
