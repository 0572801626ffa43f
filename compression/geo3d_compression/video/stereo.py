"""Stereo pairs in a container: two pictures or two videos, the right view predicted from the left.

way "files"   DATA part 0, 1: the files, each alone (formats that are not taken apart, views of different sizes)
way "jpeg"    DATA part 0: both files as a group of predicted JPEG frames
way "png"     DATA part 0: the left file; part 1: shell and right view
way "exact"   DATA part 2 g, 2 g + 1: group g of left and of right frames; METADATA: times of the left frames
way "av1"     DATA part 0: a Matroska file in which left and right frames take turns

Pictures come back as the files that they were, or, with `--quality`, as files of their names and formats; exact frames
and AV1 as two .mkv files of FFV1 frames.  `decompress` writes a folder.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from geo3d.errors import BitstreamError, FormatError, Geo3DError
from geo3d_compression.codecs.codec import Outcome, Request, View
from geo3d_compression.container import ChunkType, Container, ContainerWriter, Item
from geo3d_compression.container.fields import Blob, Choice, Cursor, Field, Float, UInt, pack, unpack
from geo3d_compression.jpeg.priors import priors_id
from geo3d_compression.video import stereo_clips, stereo_pictures
from geo3d_compression.video.stereo_about import WAYS, Pair

NUMBER, KIND = 12, "stereo"
_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".pgm")
_HEADER: tuple[Field, ...] = (
    Choice("profile", ("fast", "best")), Choice("way", WAYS), Blob("left", 1 << 12), Blob("right", 1 << 12),
    UInt("frames", 1 << 30), UInt("width", 1 << 31), UInt("height", 1 << 31), Float("quality", 0, 100),
    UInt("size", 1 << 44), Blob("about", 1 << 16),
)  # fmt: skip


def compress(source: Path, writer: ContainerWriter, name: str, request: Request) -> Outcome:
    raise Geo3DError(f"a stereo pair is two files: geo3d compress LEFT RIGHT --stereo, got {source} alone")


def compress_pair(left: Path, right: Path, writer: ContainerWriter, name: str, request: Request) -> Outcome:
    """Add two views as one item."""
    if request.quality is not None and request.lossless:
        raise Geo3DError("--lossless and --quality contradict each other")
    for path in (left, right):
        if not path.is_file():
            raise FormatError(f"{path} does not exist, or is no file")
    names = (left.name, right.name) if left.name != right.name else (f"left-{left.name}", f"right-{right.name}")
    pictures = all(p.suffix.lower() in _PICTURES for p in (left, right))
    module = stereo_pictures if pictures else stereo_clips
    pair: Pair = module.encode_pair(left, right, request)
    item = writer.add_item(Item(name, KIND, NUMBER, priors_id()))
    size = left.stat().st_size + right.stat().st_size
    values = {
        "profile": request.profile, "way": pair.way, "left": names[0].encode(), "right": names[1].encode(),
        "frames": pair.frames, "width": pair.width, "height": pair.height,
        "quality": 100.0 if request.quality is None else request.quality, "size": size, "about": pair.about,
    }  # fmt: skip
    writer.add_chunk(item, ChunkType.HEADER, pack(_HEADER, values), critical=True)
    for part, data in enumerate(pair.parts):
        writer.add_chunk(item, ChunkType.DATA, data, part=part)
    for index, data in enumerate(pair.beside):
        writer.add_chunk(item, ChunkType.METADATA, data, index=index)
    details = {"method": pair.way, "bytes_in": size, "exact": pair.way != "av1", **pair.details}
    return Outcome(2 * pair.frames, details)


def decompress(container: Container, item: int, target: Path, view: View) -> Outcome:
    h = _header(container, item)
    about = container.items[item]
    if h["way"] != "av1" and about.model != priors_id():
        raise BitstreamError(
            f"'{about.name}' needs the JPEG model {about.model.hex() or '(none)'}; installed is {priors_id().hex()}: "
            "install the version that wrote it"
        )
    names = [h[side].decode("utf-8", "replace") for side in ("left", "right")]
    if len(set(names)) != 2 or any(not n or Path(n).name != n or n in (".", "..") or "\\" in n for n in names):
        raise BitstreamError(f"a stereo pair has impossible names: {names[0]}, {names[1]}")
    parts = [container.need(item, ChunkType.DATA, k) for k in range(_count(container, item, ChunkType.DATA))]
    beside = [
        container.need(item, ChunkType.METADATA, 0, k) for k in range(_count(container, item, ChunkType.METADATA))
    ]
    pair = Pair(h["way"], h["frames"], h["width"], h["height"], parts, beside, h["about"], h["profile"])
    if target.exists():
        raise FormatError(f"{target} exists already; a stereo pair is two files: give the name of a new folder")
    clips = pair.way == "exact" or (pair.way == "av1" and bool(pair.about))
    module = stereo_clips if clips else stereo_pictures
    work = Path(tempfile.mkdtemp(prefix=".tmp-", dir=target.resolve().parent))
    try:
        module.write_pair(pair, work, (names[0], names[1]), view.threads)
        work.chmod(0o755)
        work.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return Outcome(2 * pair.frames, {"exact": pair.way != "av1"})


def describe(container: Container, item: int) -> dict[str, Any]:
    h = _header(container, item)
    return {
        "profile": h["profile"], "frames": 2 * h["frames"], "width": h["width"], "height": h["height"],
        "method": h["way"], "exact": h["way"] != "av1", "bytes_in": h["size"],
        "left": h["left"].decode("utf-8", "replace"), "right": h["right"].decode("utf-8", "replace"),
    }  # fmt: skip


def _count(container: Container, item: int, kind: ChunkType) -> int:
    return sum(1 for c in container.of(item) if c.type == kind)


def _header(container: Container, item: int) -> dict[str, Any]:
    cursor = Cursor(container.need(item, ChunkType.HEADER), "stereo header")
    values = unpack(_HEADER, cursor)
    cursor.finish()
    return values
