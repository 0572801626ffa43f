"""Folders of frames in a container: colour in groups, everything else as it is, all of it back byte for byte.

HEADER      listing of files (coded text), calibration, group sizes
METADATA    the small text files, one solid string
DATA part g            group g of colour frames
DATA part 2^20 + i     file i, where it is coded alone (method in its first byte)
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import BitstreamError, FormatError
from geo3d_compression.codecs.codec import Outcome, Request, View
from geo3d_compression.container import ChunkType, Container, ContainerWriter, Item
from geo3d_compression.container.fields import Blob, Choice, Cursor, Field, Float, SInt, UInt, pack, put_varint, unpack
from geo3d_compression.entropy.byte_model import decode_bytes, encode_bytes
from geo3d_compression.image.stored import decode_bytes_any, encode_bytes_any
from geo3d_compression.jpeg.file import parse, rebuild
from geo3d_compression.jpeg.priors import priors_id
from geo3d_compression.rgbd.calibrate import Pair, calibrate
from geo3d_compression.rgbd.depth import decode_depths, encode_depths
from geo3d_compression.rgbd.folder import FrameFiles, FrameFolder, depth_of, read_folder
from geo3d_compression.rgbd.group import SourceFrame, decode_group, encode_group
from geo3d_compression.rgbd.motion import Calibration, Motion
from geo3d_compression.rgbd.predict import coded_frame
from geo3d_compression.rgbd.search import luma_pyramid

GROUP = 100
_ALONE = 1 << 20
_TEXT = (".txt", ".json", ".log", ".csv", ".yaml", ".yml", ".freiburg", ".tum")
_MOST_TEXT = 1 << 20
_CAMERA: tuple[Field, ...] = (
    *(Float(f"depth {k}") for k in range(4)),
    *(Float(f"color {k}") for k in range(4)),
    *(SInt(f"motion {k}", (1 << 31) - 1) for k in range(6)),
    Float("steps", 1e-6, 1e9),
    Float("far", 1e-3, 1e6),
)
_HEADER: tuple[Field, ...] = (
    Choice("profile", ("fast", "best")),
    UInt("files", 1 << 20, low=1),
    UInt("frames", 1 << 20),
    UInt("listing length", 1 << 26),
    Blob("listing", 1 << 26),
    UInt("text length", 1 << 30),
    UInt("shells length", 1 << 30),
    *_CAMERA,
)
# How a file of the listing is kept: in a group, in the solid text, alone, in the depth sequence.
_GROUPED, _SOLID, _OWN, _DEPTH = range(4)
_VALUES = (3, 1, 0, 1)


NUMBER, KIND = 9, "rgbd"


@dataclass(frozen=True, eq=False)
class Plan:
    """What is coded together: frames that come back exactly (with width, height), in groups, and their calibration."""

    folder: FrameFolder
    sizes: dict[str, tuple[int, int]]
    groups: list[list[FrameFiles]]
    calibration: Calibration

    def sources(self, group: Sequence[FrameFiles]) -> list[SourceFrame]:
        """The frames of a group, read."""
        root = self.folder.folder
        T_depth_color = np.vstack([self.calibration.T_color_depth.inverse(), [0, 0, 0, 1]])
        result = []
        for f in group:
            depth = None if f.depth is None else depth_of((root / f.depth).read_bytes(), self.folder.no_depth)
            pose = None if f.T_world_depth is None else f.T_world_depth @ T_depth_color
            data = (root / f.color).read_bytes()
            result.append(SourceFrame(data, parse(data), depth, pose))
        return result


def plan(folder: FrameFolder, group: int = GROUP) -> Plan:
    """Read all colour frames of a folder and decide how they are coded."""
    sizes = {f.color: size for f in folder.frames if (size := _size_if_exact(folder.folder / f.color)) is not None}
    frames = [f for f in folder.frames if f.color in sizes]
    groups = [frames[i : i + group] for i in range(0, len(frames), group)]
    return Plan(folder, sizes, groups, _calibration(folder, sizes))


def compress(source: Path, writer: ContainerWriter, name: str, request: Request) -> Outcome:
    if request.quality is not None:
        raise FormatError("--quality is not there for folders of frames; they are kept byte for byte")
    folder = read_folder(source)
    whole = plan(folder, request.group or GROUP)
    groups, calibration = whole.groups, whole.calibration
    frames = [f for group in groups for f in group]
    item = writer.add_item(Item(name, KIND, NUMBER, priors_id()))

    def code(group: list[FrameFiles]) -> bytes:
        return encode_group(whole.sources(group), calibration, request.profile)

    with ThreadPoolExecutor(request.threads) as pool:
        for g, data in enumerate(pool.map(code, groups)):
            writer.add_chunk(item, ChunkType.DATA, data, part=g)
    depth_part = encode_depths(source, folder.depths, folder.calibration, request.threads)
    depth_places = {} if depth_part is None else {n: k for k, n in enumerate(depth_part.names)}
    places = {f.color: (g, k) for g, group in enumerate(groups) for k, f in enumerate(group)}
    depth_of_frame = {f.color: f.depth for f in frames}
    listing, text = bytearray(), bytearray()
    numbers = {path: i for i, path in enumerate(folder.files)}
    for value in (len(folder.no_depth), *folder.no_depth):
        put_varint(listing, value)
    for i, path in enumerate(folder.files):
        _put_name(listing, path)
        if path in places:
            depth = depth_of_frame[path]
            for value in (_GROUPED, *places[path], 0 if depth is None else numbers[depth] + 1):
                put_varint(listing, value)
            continue
        if path in depth_places:
            put_varint(listing, _DEPTH)
            put_varint(listing, depth_places[path])
            continue
        data = (source / path).read_bytes()
        if Path(path).suffix.lower() in _TEXT and len(data) <= _MOST_TEXT:
            put_varint(listing, _SOLID)
            put_varint(listing, len(data))
            text += data
        else:
            put_varint(listing, _OWN)
            writer.add_chunk(
                item, ChunkType.DATA, encode_bytes_any(data, request.profile), part=_ALONE + i
            )  # fmt: skip
    values = {
        "profile": request.profile, "files": len(folder.files), "frames": len(frames),
        "listing length": len(listing), "listing": encode_bytes(bytes(listing)), "text length": len(text),
        "shells length": len(depth_part.shells) if depth_part else 0,
        **_camera_values(calibration),
    }  # fmt: skip
    writer.add_chunk(item, ChunkType.HEADER, pack(_HEADER, values), critical=True)
    writer.add_chunk(item, ChunkType.METADATA, encode_bytes(bytes(text)))
    if depth_part is not None:
        writer.add_chunk(item, ChunkType.METADATA, encode_bytes(depth_part.shells), index=1)
        writer.add_chunk(item, ChunkType.GEOMETRY, depth_part.container)
    size = sum((source / f).stat().st_size for f in folder.files)
    return Outcome(len(frames), {"files": len(folder.files), "bytes_in": size})


def decompress(container: Container, item: int, target: Path, view: View) -> Outcome:
    need_priors(container.items[item])
    header, entries, no_depth = _read_header(container, item)
    calibration = _camera(header)
    if target.exists():
        raise FormatError(f"{target} exists already; give the name of a new folder")
    work = Path(tempfile.mkdtemp(prefix=".tmp-", dir=target.resolve().parent))
    try:
        _write(container, item, header, entries, no_depth, calibration, work, view)
        work.chmod(0o755)
        work.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return Outcome(header["frames"], {"files": len(entries)})


def _write(
    container: Container, item: int, header: dict[str, Any], entries: Sequence[tuple[str, tuple[int, ...]]],
    no_depth: tuple[int, ...], calibration: Calibration, work: Path, view: View,
) -> None:  # fmt: skip
    text = decode_bytes(container.need(item, ChunkType.METADATA), header["text length"])
    at = 0
    pictures = _depth_files(container, item, header, entries, view)
    groups: dict[int, dict[int, tuple[str, int]]] = {}
    for i, (name, place) in enumerate(entries):
        path = work / _safe(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if place[0] == _SOLID:
            path.write_bytes(text[at : at + place[1]])
            at += place[1]
        elif place[0] == _OWN:
            path.write_bytes(decode_bytes_any(container.need(item, ChunkType.DATA, _ALONE + i)))
        elif place[0] == _DEPTH:
            path.write_bytes(pictures[place[1]])
        else:
            groups.setdefault(place[1], {})[place[2]] = (name, place[3])
    if at != len(text):
        raise BitstreamError("the text files of a folder do not add up")

    def depth(number: int) -> NDArray[np.uint16] | None:
        if number == 0:
            return None
        if number > len(entries) or entries[number - 1][1][0] not in (_OWN, _DEPTH):
            raise BitstreamError("a colour frame names a depth picture that is not there")
        return depth_of((work / _safe(entries[number - 1][0])).read_bytes(), no_depth)

    def decode(pair: tuple[int, dict[int, tuple[str, int]]]) -> None:
        number, members = pair
        if sorted(members) != list(range(len(members))):
            raise BitstreamError(f"group {number} of colour frames has gaps")
        order = [members[k] for k in range(len(members))]
        try:
            chunk = container.need(item, ChunkType.DATA, number)
            files = decode_group(chunk, [partial(depth, n) for _, n in order], calibration)
        except BitstreamError as error:
            if not view.salvage:
                raise
            view.losses.append(f"colour frames {order[0][0]} to {order[-1][0]}: {error}")
            return
        for (name, _), data in zip(order, files, strict=True):
            (work / _safe(name)).write_bytes(data)

    with ThreadPoolExecutor(view.threads) as pool:
        list(pool.map(decode, groups.items()))


def _depth_files(
    container: Container,
    item: int,
    header: dict[str, Any],
    entries: Sequence[tuple[str, tuple[int, ...]]],
    view: View,
) -> list[bytes]:
    """The files of the depth sequence."""
    numbers = sorted(place[1] for _, place in entries if place[0] == _DEPTH)
    if not numbers:
        return []
    if numbers != list(range(len(numbers))):
        raise BitstreamError("the depth pictures of a folder are not numbered in order")
    shells = decode_bytes(container.need(item, ChunkType.METADATA, 0, 1), header["shells length"])
    return decode_depths(container.need(item, ChunkType.GEOMETRY), shells, len(numbers), view.threads)


def describe(container: Container, item: int) -> dict[str, Any]:
    header, _, _ = _read_header(container, item)
    return {"profile": header["profile"], "frames": header["frames"], "files": header["files"]}


def need_priors(item: Item) -> None:
    """Refuse a stream made with priors that are not the ones installed here."""
    if item.model != priors_id():
        raise BitstreamError(
            f"'{item.name}' needs the JPEG model {item.model.hex() or '(none)'}; installed is {priors_id().hex()}: "
            "install the version that wrote it"
        )


def _size_if_exact(path: Path) -> tuple[int, int] | None:
    """Width and height of a JPEG file that comes back exactly, else None."""
    data = path.read_bytes()
    try:
        file = parse(data)
        return (file.markers.width, file.markers.height) if rebuild(file) == data else None
    except FormatError:
        return None


def _calibration(folder: FrameFolder, sizes: dict[str, tuple[int, int]]) -> Calibration:
    frames = [f for f in folder.frames if f.color in sizes]
    if not frames:
        return Calibration((1.0,) * 4, (1.0,) * 4, Motion(), 1000.0)
    width, height = sizes[frames[0].color]
    if folder.calibration is None:
        f = 0.9 * max(width, height)
        k = (f, f, width / 2 - 0.5, height / 2 - 0.5)
        return Calibration(k, k, Motion(), 1000.0)
    nominal = folder.calibration
    first = next((f for f in frames if f.depth is not None), None)
    depth = depth_of((folder.folder / first.depth).read_bytes(), folder.no_depth) if first and first.depth else None
    if depth is not None and nominal.color == nominal.depth and depth.shape != (height, width):
        s, t = width / depth.shape[1], height / depth.shape[0]
        fx, fy, cx, cy = nominal.depth
        nominal = replace(nominal, color=(fx * s, fy * t, (cx + 0.5) * s - 0.5, (cy + 0.5) * t - 0.5))
    if depth is not None and (depth > 0).any():
        nominal = replace(nominal, far=float(np.median(depth[depth > 0])) / nominal.steps_per_metre)
    return calibrate(list(_pairs(folder, frames, sizes)), nominal)


def _pairs(folder: FrameFolder, frames: Sequence[FrameFiles], sizes: dict[str, tuple[int, int]]) -> Iterator[Pair]:
    """Up to four pairs of neighbours, spread over the folder."""
    for i in sorted({len(frames) * k // 5 for k in range(1, 5)} & set(range(1, len(frames)))):
        here, there = frames[i], frames[i - 1]
        if here.depth is None or sizes[here.color] != sizes[there.color]:
            continue
        depth = depth_of((folder.folder / here.depth).read_bytes(), folder.no_depth)
        if depth is None:
            continue
        z = np.zeros((1, 1))
        luma = [luma_pyramid(coded_frame(parse((folder.folder / f.color).read_bytes()), z))[0] for f in (here, there)]
        if luma[0].shape == luma[1].shape:
            yield luma[0], luma[1], depth, here.T_world_depth, there.T_world_depth


def _camera_values(c: Calibration) -> dict[str, Any]:
    motion = (*c.T_color_depth.rotation, *c.T_color_depth.translation)
    return {
        **{f"depth {k}": v for k, v in enumerate(c.depth)}, **{f"color {k}": v for k, v in enumerate(c.color)},
        **{f"motion {k}": v for k, v in enumerate(motion)}, "steps": c.steps_per_metre, "far": c.far,
    }  # fmt: skip


def _camera(values: dict[str, Any]) -> Calibration:
    d, c = (tuple(values[f"{n} {k}"] for k in range(4)) for n in ("depth", "color"))
    if min(*d[:2], *c[:2]) <= 0:
        raise BitstreamError("the cameras of a folder have focal lengths that are not positive")
    m = [values[f"motion {k}"] for k in range(6)]
    return Calibration(d, c, Motion((m[0], m[1], m[2]), (m[3], m[4], m[5])), values["steps"], values["far"])  # type: ignore[arg-type]


def _put_name(out: bytearray, name: str) -> None:
    data = name.encode("utf-8", "surrogateescape")
    put_varint(out, len(data))
    out += data


def _read_header(
    container: Container, item: int
) -> tuple[dict[str, Any], list[tuple[str, tuple[int, ...]]], tuple[int, ...]]:
    cursor = Cursor(container.need(item, ChunkType.HEADER), "folder header")
    header = unpack(_HEADER, cursor)
    cursor.finish()
    listing = Cursor(decode_bytes(header["listing"], header["listing length"]), "listing of a folder")
    no_depth = tuple(listing.varint() for _ in range(min(listing.varint(), 16)))
    entries, names, frames = [], set(), 0
    for _ in range(header["files"]):
        name = listing.take(listing.varint()).decode("utf-8", "surrogateescape")
        kind = listing.varint()
        if kind > _DEPTH or name in names:
            raise BitstreamError(f"the listing of a folder is damaged at '{name}'")
        names.add(name)
        entries.append((name, (kind, *(listing.varint() for _ in range(_VALUES[kind])))))
        frames += kind == _GROUPED
    listing.finish()
    if frames != header["frames"]:
        raise BitstreamError(f"a folder lists {frames} colour frames, its header says {header['frames']}")
    return header, entries, no_depth


def _safe(name: str) -> Path:
    parts = PurePosixPath(name).parts
    if not parts or any(p in ("..", "/") or "\\" in p or ":" in p or "\0" in p for p in parts):
        raise BitstreamError(f"the file name '{name}' would leave the output folder")
    return Path(*parts)
