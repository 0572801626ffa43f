"""Depth sequences in a container: header with the sensor's steps, one chunk for each group of pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from geo3d.console import progress
from geo3d.errors import BitstreamError, ShapeError
from geo3d_compression.container import ChunkType, Container, ContainerWriter
from geo3d_compression.container.fields import Cursor, SInt, UInt, pack, unpack
from geo3d_compression.depth.near import representatives
from geo3d_compression.depth.sequence import Motions, Steps, decode_frames, encode_frames
from geo3d_compression.depth.warp import FOCAL_LIMIT, ROTATION_LIMIT, TRANSLATION_LIMIT, FixedCamera
from geo3d_compression.parallel import ordered_map
from geo3d_compression.volume.alphabet import code_bitmap, decode_bitmap
from geo3d_compression.volume.codec import read_parts

VERSION = 1
DEFAULT_GROUP = 30
_MOST_PIXELS = 1 << 37
# The cheapest pixel costs about log2(65536 / 65520) bits.
_PIXELS_PER_BYTE = 24_000

_FIELDS = (
    UInt("version", VERSION, low=VERSION),
    UInt("frames", 1 << 24, low=1),
    UInt("height", 1 << 15, low=1),
    UInt("width", 1 << 15, low=1),
    UInt("group", 1 << 24, low=1),
    UInt("bound", 65535),
    UInt("first", 65535, low=1),
    UInt("last", 65535, low=1),
    UInt("has_camera", 1),
)
_CAMERA = (
    UInt("fx", FOCAL_LIMIT, low=1 << 16),
    UInt("fy", FOCAL_LIMIT, low=1 << 16),
    SInt("cx", FOCAL_LIMIT),
    SInt("cy", FOCAL_LIMIT),
)
_KNOWN = UInt("motion is known", 1)
_ROTATION = SInt("rotation", ROTATION_LIMIT)
_TRANSLATION = SInt("translation", TRANSLATION_LIMIT)


class Frames(Protocol):
    """Pictures by number: an array [N, H, W], a list, or something that loads them when asked."""

    def __len__(self) -> int: ...

    def __getitem__(self, k: int, /) -> NDArray[np.uint16]: ...


@dataclass(frozen=True)
class DepthOptions:
    """Options of `encode_depth`.

    group    pictures in each independently decodable group
    bound    largest error of a depth, in the sensor's steps; 0: exact.  Which pixels have depth is always exact
    threads  groups coded at the same time
    """

    group: int = DEFAULT_GROUP
    bound: int = 0
    threads: int = 2


@dataclass(frozen=True, eq=False)
class DepthHeader:
    """What a stored sequence is."""

    frames: int
    height: int
    width: int
    group: int
    bound: int
    steps: Steps
    camera: FixedCamera | None


def encode_depth(
    frames: Frames,
    writer: ContainerWriter,
    item: int,
    options: DepthOptions,
    camera: FixedCamera | None = None,
    motions: Motions | None = None,
) -> None:
    """Add the chunks of a depth sequence to an announced item.

    Parameters
    ----------
    frames : uint16 [H, W] each, 0 = no depth; an array [N, H, W] or anything that loads pictures on demand, which is
        read twice.
    camera, motions : intrinsics, and for each picture the motion from the one before (`warp.fixed_motion`) or None.
    """
    if not len(frames):
        raise ShapeError("a depth sequence has at least one picture, got none")
    if options.group < 1 or not 0 <= options.bound <= 65535:
        raise ShapeError(
            f"--group must be at least 1 and the bound 0 to 65535, got {options.group} and {options.bound}"
        )
    size = frames[0].shape
    occurs = np.zeros(65536, np.bool_)
    for k in range(len(frames)):
        frame = frames[k]
        if frame.dtype != np.uint16 or frame.ndim != 2 or frame.shape != size or not frame.size:
            raise ShapeError(
                f"depth pictures are uint16 [H, W] of one size, picture {k} is {frame.dtype} {list(frame.shape)}, "
                f"the first is {list(size)}"
            )
        occurs[frame] = True
    occurs[0] = False
    values = np.flatnonzero(occurs) if occurs.any() else np.array([1])
    stands = representatives(values, options.bound)
    lookup = np.zeros(65536, np.int64)
    lookup[values] = stands
    steps = Steps(np.unique(stands))
    first, last = int(steps.values[0]), int(steps.values[-1])
    fields = {
        "version": VERSION, "frames": len(frames), "height": size[0], "width": size[1], "group": options.group,
        "bound": options.bound, "first": first, "last": last, "has_camera": int(camera is not None),
    }  # fmt: skip
    head = pack(_FIELDS, fields) + (pack(_CAMERA, vars(camera)) if camera is not None else b"")
    head += code_bitmap(steps.values - first, last - first + 1)
    writer.add_chunk(item, ChunkType.HEADER, head, critical=True)
    moves: Motions = motions if motions is not None and camera is not None else [None] * len(frames)

    def code(span: tuple[int, int]) -> bytes:
        ranks = np.stack([steps.ranks(lookup[frames[k]]) for k in range(*span)])
        part = moves[slice(*span)]
        return _pack_motions(part) + encode_frames(ranks, steps, camera, part)

    spans = list(_spans(len(frames), options.group))
    coded = ordered_map(code, spans, options.threads)
    for part, data in enumerate(progress(coded, "depth", total=len(spans))):
        writer.add_chunk(item, ChunkType.DATA, data, part=part)


def decode_depth(
    container: Container,
    item: int,
    *,
    frames: tuple[int, int] | None = None,
    threads: int = 2,
    losses: list[str] | None = None,
) -> NDArray[np.uint16]:
    """Pictures [N, H, W] of an item; with `frames` only first ... last - 1 (the groups that they lie in).

    If `losses` is given, groups that are damaged become zeros and are named there; else they raise.
    """
    h = read_header(container, item)
    first, last = frames or (0, h.frames)
    if not 0 <= first < last <= h.frames:
        raise ShapeError(f"pictures {first} to {last} are not in a sequence of {h.frames}")
    parts = range(first // h.group, -(-last // h.group))
    begin = parts[0] * h.group
    count = min(parts[-1] * h.group + h.group, h.frames) - begin
    chunks = [c.length for c in container.of(item) if c.type == ChunkType.DATA and c.part in parts]
    stored = sum(chunks)
    pixels = count * h.height * h.width
    if pixels > (stored + 8 * len(chunks)) * _PIXELS_PER_BYTE or pixels > _MOST_PIXELS:
        raise BitstreamError(f"{count} depth pictures of {h.width}x{h.height} cannot come from {stored} bytes")

    def decode(job: tuple[int, bytes | BitstreamError]) -> NDArray[np.uint16] | str:
        part, data = job
        pictures = min(h.group, h.frames - part * h.group)
        try:
            if isinstance(data, BitstreamError):
                raise data
            cursor = Cursor(data, "group of depth pictures")
            motions = _unpack_motions(cursor, pictures)
            shape = (pictures, h.height, h.width)
            ranks = decode_frames(cursor.take(cursor.left), shape, h.steps, h.camera, motions)
            return h.steps.depth(ranks).astype(np.uint16)
        except BitstreamError as error:
            if losses is None:
                raise
            return f"pictures {part * h.group} to {part * h.group + pictures - 1}: {error}"

    out = np.zeros((count, h.height, h.width), np.uint16)
    decoded = ordered_map(decode, read_parts(container, item, parts), threads)
    for part, block in zip(parts, progress(decoded, "depth", len(parts)), strict=True):
        if isinstance(block, str):
            assert losses is not None
            losses.append(block)
        else:
            out[part * h.group - begin :][: len(block)] = block
    return out[first - begin : last - begin]


def read_header(container: Container, item: int) -> DepthHeader:
    """The checked header of a depth sequence."""
    cursor = Cursor(container.need(item, ChunkType.HEADER), "depth header")
    h = unpack(_FIELDS, cursor)
    camera = FixedCamera(**unpack(_CAMERA, cursor)) if h["has_camera"] else None
    if h["last"] < h["first"]:
        raise BitstreamError(f"depths cannot go from {h['first']} to {h['last']}")
    values = decode_bitmap(cursor.take(cursor.left), h["last"] - h["first"] + 1) + h["first"]
    return DepthHeader(h["frames"], h["height"], h["width"], h["group"], h["bound"], Steps(values), camera)


def _pack_motions(motions: Motions) -> bytes:
    out = bytearray()
    for motion in motions[1:]:
        _KNOWN.put(out, int(motion is not None))
        if motion is not None:
            for row in motion.tolist():
                for value in row[:3]:
                    _ROTATION.put(out, value)
                _TRANSLATION.put(out, row[3])
    return bytes(out)


def _unpack_motions(cursor: Cursor, count: int) -> Motions:
    motions: Motions = [None]
    for _ in range(count - 1):
        if not _KNOWN.get(cursor):
            motions.append(None)
            continue
        rows = [[*(_ROTATION.get(cursor) for _ in range(3)), _TRANSLATION.get(cursor)] for _ in range(3)]
        motions.append(np.array(rows, np.int64))
    return motions


def _spans(count: int, step: int) -> Iterator[tuple[int, int]]:
    return ((a, min(a + step, count)) for a in range(0, count, step))
