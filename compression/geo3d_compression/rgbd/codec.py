"""Folders of frames in a container: colour in groups, everything else as it is, all of it back byte for byte.

HEADER      listing of files (coded text), calibration, group sizes
METADATA    the small text files, one solid string
DATA part g            group g of colour frames
DATA part 2^20 - 1     colour frames as AV1 video (with `--quality`), instead of groups
DATA part 2^20 + i     file i, where it is coded alone (method in its first byte)
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import BitstreamError, FormatError
from geo3d_compression.codecs.codec import Outcome, Request, View
from geo3d_compression.container import ChunkType, Container, ContainerWriter, Item
from geo3d_compression.container.fields import pack, put_varint
from geo3d_compression.entropy.byte_model import decode_bytes, encode_bytes
from geo3d_compression.image.stored import decode_bytes_any, encode_bytes_any
from geo3d_compression.jpeg.priors import priors_id
from geo3d_compression.rgbd.depth import decode_depths, encode_depths
from geo3d_compression.rgbd.folder import MOST_TEXT, TEXT, FrameFiles, FrameFolder, depth_of, read_folder
from geo3d_compression.rgbd.group import decode_group
from geo3d_compression.rgbd.groups import encode_groups
from geo3d_compression.rgbd.listing import (
    DEPTH,
    GROUPED,
    HEADER,
    LOSSY,
    OWN,
    SOLID,
    camera_of,
    camera_values,
    put_name,
    read_header,
    safe_path,
)
from geo3d_compression.rgbd.lossy import decode_colors, encode_colors
from geo3d_compression.rgbd.motion import Calibration
from geo3d_compression.rgbd.plan import GROUP, plan

_ALONE = 1 << 20
_VIDEO = _ALONE - 1
NUMBER, KIND = 9, "rgbd"


def compress(source: Path, writer: ContainerWriter, name: str, request: Request) -> Outcome:
    return compress_folder(read_folder(source), writer, name, request)


def compress_folder(folder: FrameFolder, writer: ContainerWriter, name: str, request: Request) -> Outcome:
    """Add the files of a folder that has been listed as one item."""
    source = folder.folder
    lossy = None
    if request.quality is not None and not request.lossless:
        lossy = encode_colors(source, folder.files, request.quality, request.profile)
    lossy_places = {} if lossy is None else {name: k for k, name in enumerate(lossy.names)}
    kept = replace(folder, frames=[f for f in folder.frames if f.color not in lossy_places])
    whole = plan(kept, request.group or GROUP)
    item = writer.add_item(Item(name, KIND, NUMBER, priors_id()))
    groups: list[list[FrameFiles]] = []
    streams = encode_groups(whole, request.profile, request.threads)
    for group, stream in zip(whole.groups, streams, strict=True):
        # Frames of a group that cannot be coded are files like all others.
        if stream is not None:
            writer.add_chunk(item, ChunkType.DATA, stream, part=len(groups))
            groups.append(group)
    calibration = whole.calibration
    frames = [f for group in groups for f in group]
    depth_part = encode_depths(source, folder.depths, folder.calibration, request.threads)
    depth_places = {} if depth_part is None else {n: k for k, n in enumerate(depth_part.names)}
    places = {f.color: (g, k) for g, group in enumerate(groups) for k, f in enumerate(group)}
    depth_of_frame = {f.color: f.depth for f in frames}
    listing, text = bytearray(), bytearray()
    numbers = {path: i for i, path in enumerate(folder.files)}
    for value in (len(folder.no_depth), *folder.no_depth):
        put_varint(listing, value)
    for i, path in enumerate(folder.files):
        put_name(listing, path)
        if path in lossy_places:
            put_varint(listing, LOSSY)
            put_varint(listing, lossy_places[path])
            continue
        if path in places:
            depth = depth_of_frame[path]
            for value in (GROUPED, *places[path], 0 if depth is None else numbers[depth] + 1):
                put_varint(listing, value)
            continue
        if path in depth_places:
            put_varint(listing, DEPTH)
            put_varint(listing, depth_places[path])
            continue
        data = (source / path).read_bytes()
        if Path(path).suffix.lower() in TEXT and len(data) <= MOST_TEXT:
            put_varint(listing, SOLID)
            put_varint(listing, len(data))
            text += data
        else:
            put_varint(listing, OWN)
            writer.add_chunk(
                item, ChunkType.DATA, encode_bytes_any(data, request.profile), part=_ALONE + i
            )  # fmt: skip
    values = {
        "profile": request.profile, "files": len(folder.files), "frames": len(frames) + len(lossy_places),
        "listing length": len(listing), "listing": encode_bytes(bytes(listing)), "text length": len(text),
        "shells length": len(depth_part.shells) if depth_part else 0,
        **camera_values(calibration),
    }  # fmt: skip
    writer.add_chunk(item, ChunkType.HEADER, pack(HEADER, values), critical=True)
    writer.add_chunk(item, ChunkType.METADATA, encode_bytes(bytes(text)))
    if depth_part is not None:
        writer.add_chunk(item, ChunkType.METADATA, encode_bytes(depth_part.shells), index=1)
        writer.add_chunk(item, ChunkType.GEOMETRY, depth_part.container)
    details: dict[str, Any] = {
        "files": len(folder.files), "bytes_in": sum((source / f).stat().st_size for f in folder.files),
        "exact": lossy is None,
    }  # fmt: skip
    if lossy is not None:
        writer.add_chunk(item, ChunkType.DATA, lossy.data, part=_VIDEO)
        details |= {"psnr": lossy.psnr, "ms_ssim": lossy.ms_ssim, "color_bytes": len(lossy.data)}
    return Outcome(len(frames) + len(lossy_places), details)


def decompress(container: Container, item: int, target: Path, view: View) -> Outcome:
    need_priors(container.items[item])
    header, entries, no_depth = read_header(container, item)
    calibration = camera_of(header)
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
    colors: dict[int, str] = {}
    for i, (name, place) in enumerate(entries):
        path = work / safe_path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if place[0] == SOLID:
            path.write_bytes(text[at : at + place[1]])
            at += place[1]
        elif place[0] == OWN:
            path.write_bytes(decode_bytes_any(container.need(item, ChunkType.DATA, _ALONE + i)))
        elif place[0] == DEPTH:
            path.write_bytes(pictures[place[1]])
        elif place[0] == LOSSY:
            colors[place[1]] = name
        else:
            groups.setdefault(place[1], {})[place[2]] = (name, place[3])
    if at != len(text):
        raise BitstreamError("the text files of a folder do not add up")
    if sorted(colors) != list(range(len(colors))):
        raise BitstreamError("the lossy colour frames of a folder are not numbered in order")
    if colors:
        ordered = [colors[k] for k in range(len(colors))]
        for name, data in decode_colors(container.need(item, ChunkType.DATA, _VIDEO), ordered):
            (work / safe_path(name)).write_bytes(data)

    def depth(number: int) -> NDArray[np.uint16] | None:
        if number == 0:
            return None
        if number > len(entries) or entries[number - 1][1][0] not in (OWN, DEPTH):
            raise BitstreamError("a colour frame names a depth picture that is not there")
        return depth_of((work / safe_path(entries[number - 1][0])).read_bytes(), no_depth)

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
            (work / safe_path(name)).write_bytes(data)

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
    numbers = sorted(place[1] for _, place in entries if place[0] == DEPTH)
    if not numbers:
        return []
    if numbers != list(range(len(numbers))):
        raise BitstreamError("the depth pictures of a folder are not numbered in order")
    shells = decode_bytes(container.need(item, ChunkType.METADATA, 0, 1), header["shells length"])
    return decode_depths(container.need(item, ChunkType.GEOMETRY), shells, len(numbers), view.threads)


def describe(container: Container, item: int) -> dict[str, Any]:
    header, _, _ = read_header(container, item)
    return {"profile": header["profile"], "frames": header["frames"], "files": header["files"]}


def need_priors(item: Item) -> None:
    """Refuse a stream made with priors that are not the ones installed here."""
    if item.model != priors_id():
        raise BitstreamError(
            f"'{item.name}' needs the JPEG model {item.model.hex() or '(none)'}; installed is {priors_id().hex()}: "
            "install the version that wrote it"
        )
