"""Folders of frames in a container: colour in groups, everything else as it is, all of it back byte for byte.

HEADER      listing of files (coded text), calibration, group sizes
METADATA    the small text files, one solid string
DATA part g            group g of colour frames: JPEG files, or PNG files
DATA part 2^20 - 1     colour frames as AV1 video (with `--quality`), instead of groups
DATA part 2^20 + i     file i, where it is coded alone (method in its first byte)
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from geo3d.errors import BitstreamError, FormatError
from geo3d_compression.codecs.codec import Outcome, Request, View
from geo3d_compression.container import ChunkType, Container, ContainerWriter, Item
from geo3d_compression.container.fields import pack, put_varint
from geo3d_compression.entropy.byte_model import encode_bytes
from geo3d_compression.image.stored import encode_bytes_any
from geo3d_compression.jpeg.priors import priors_id
from geo3d_compression.rgbd.depth import encode_depths
from geo3d_compression.rgbd.folder import MOST_TEXT, TEXT, FrameFiles, FrameFolder, read_folder
from geo3d_compression.rgbd.groups import encode_groups
from geo3d_compression.rgbd.listing import (
    DEPTH,
    GROUPED,
    HEADER,
    LOSSY,
    OWN,
    PICTURED,
    SOLID,
    camera_of,
    camera_values,
    put_name,
    read_header,
)
from geo3d_compression.rgbd.lossy import encode_colors
from geo3d_compression.rgbd.plan import plan
from geo3d_compression.rgbd.restore import ALONE as _ALONE
from geo3d_compression.rgbd.restore import VIDEO as _VIDEO
from geo3d_compression.rgbd.restore import Restorer

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
    whole = plan(kept, request.group)
    item = writer.add_item(Item(name, KIND, NUMBER, priors_id()))
    groups: list[list[FrameFiles]] = []
    streams = encode_groups(whole, request.profile, request.threads)
    kinds: dict[str, int] = {}
    for number, (group, stream) in enumerate(zip([*whole.groups, *whole.pictures], streams, strict=True)):
        # Frames of a group that cannot be coded are files like all others.
        if stream is not None:
            writer.add_chunk(item, ChunkType.DATA, stream, part=len(groups))
            groups.append(group)
            kinds |= dict.fromkeys((f.color for f in group), GROUPED if number < len(whole.groups) else PICTURED)
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
            for value in (kinds[path], *places[path], 0 if depth is None else numbers[depth] + 1):
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
    coded = {"color_bytes": sum(len(s) for s in streams if s is not None)} if frames else {}
    details: dict[str, Any] = {
        **coded, "files": len(folder.files), "bytes_in": sum((source / f).stat().st_size for f in folder.files),
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
        Restorer(container, item, header, entries, no_depth, calibration, work, view).run()
        work.chmod(0o755)
        work.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return Outcome(header["frames"], {"files": len(entries)})


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
