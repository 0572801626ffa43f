"""Header and listing of a coded folder: cameras, names, and how each file is kept."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from geo3d.errors import BitstreamError
from geo3d_compression.container import ChunkType, Container
from geo3d_compression.container.fields import Blob, Choice, Cursor, Field, Float, SInt, UInt, put_varint, unpack
from geo3d_compression.entropy.byte_model import decode_bytes
from geo3d_compression.rgbd.motion import Calibration, Motion

_CAMERA: tuple[Field, ...] = (
    *(Float(f"depth {k}") for k in range(4)),
    *(Float(f"color {k}") for k in range(4)),
    *(SInt(f"motion {k}", (1 << 31) - 1) for k in range(6)),
    Float("steps", 1e-6, 1e9),
    Float("far", 1e-3, 1e6),
)
HEADER: tuple[Field, ...] = (
    Choice("profile", ("fast", "best")),
    UInt("files", 1 << 20, low=1),
    UInt("frames", 1 << 20),
    UInt("listing length", 1 << 26),
    Blob("listing", 1 << 26),
    UInt("text length", 1 << 30),
    UInt("shells length", 1 << 30),
    *_CAMERA,
)
# How a file of the listing is kept: in a group of JPEG frames, in the solid text, alone, in the depth sequence, as a
# frame of AV1 video, or in a group of PNG frames.
GROUPED, SOLID, OWN, DEPTH, LOSSY, PICTURED = range(6)
_VALUES = (3, 1, 0, 1, 1, 3)


def camera_values(c: Calibration) -> dict[str, Any]:
    """Header fields of a calibration."""
    motion = (*c.T_color_depth.rotation, *c.T_color_depth.translation)
    return {
        **{f"depth {k}": v for k, v in enumerate(c.depth)}, **{f"color {k}": v for k, v in enumerate(c.color)},
        **{f"motion {k}": v for k, v in enumerate(motion)}, "steps": c.steps_per_metre, "far": c.far,
    }  # fmt: skip


def camera_of(values: dict[str, Any]) -> Calibration:
    """The calibration of header fields."""
    d, c = (tuple(values[f"{n} {k}"] for k in range(4)) for n in ("depth", "color"))
    if min(*d[:2], *c[:2]) <= 0:
        raise BitstreamError("the cameras of a folder have focal lengths that are not positive")
    m = [values[f"motion {k}"] for k in range(6)]
    return Calibration(d, c, Motion((m[0], m[1], m[2]), (m[3], m[4], m[5])), values["steps"], values["far"])  # type: ignore[arg-type]


def put_name(out: bytearray, name: str) -> None:
    """Append a file name to a listing."""
    data = name.encode("utf-8", "surrogateescape")
    put_varint(out, len(data))
    out += data


def read_header(
    container: Container, item: int
) -> tuple[dict[str, Any], list[tuple[str, tuple[int, ...]]], tuple[int, ...]]:
    """The checked header; the files by name with how each is kept; depth values that mean "none"."""
    cursor = Cursor(container.need(item, ChunkType.HEADER), "folder header")
    header = unpack(HEADER, cursor)
    cursor.finish()
    listing = Cursor(decode_bytes(header["listing"], header["listing length"]), "listing of a folder")
    no_depth = tuple(listing.varint() for _ in range(min(listing.varint(), 16)))
    entries, names, frames = [], set(), 0
    for _ in range(header["files"]):
        name = listing.take(listing.varint()).decode("utf-8", "surrogateescape")
        kind = listing.varint()
        if kind > PICTURED or name in names:
            raise BitstreamError(f"the listing of a folder is damaged at '{name}'")
        names.add(name)
        entries.append((name, (kind, *(listing.varint() for _ in range(_VALUES[kind])))))
        frames += kind in (GROUPED, PICTURED, LOSSY)
    listing.finish()
    if frames != header["frames"]:
        raise BitstreamError(f"a folder lists {frames} colour frames, its header says {header['frames']}")
    return header, entries, no_depth


def safe_path(name: str) -> Path:
    """A name of a listing as a path inside the output folder."""
    parts = PurePosixPath(name).parts
    if not parts or any(p in ("..", "/") or "\\" in p or ":" in p or "\0" in p for p in parts):
        raise BitstreamError(f"the file name '{name}' would leave the output folder")
    return Path(*parts)
