"""The codecs by name, and which one an input means.

A new codec: write its class (see `codec.Codec`), give it a number that no codec had, enter it in `CODECS`, and take
its suffixes out of `PLANNED`.
"""

from __future__ import annotations

from pathlib import Path

from geo3d.errors import BitstreamError, FormatError, Geo3DError
from geo3d_compression.codecs.array import ArrayCodec
from geo3d_compression.codecs.cloud import CloudCodec
from geo3d_compression.codecs.codec import Codec
from geo3d_compression.codecs.depth import DepthCodec
from geo3d_compression.codecs.file import FileCodec
from geo3d_compression.codecs.lazy import LazyCodec
from geo3d_compression.codecs.volume import VolumeCodec

CODECS: dict[str, Codec] = {
    "cloud": CloudCodec(),
    "file": FileCodec(),
    "array": ArrayCodec(),
    "volume": VolumeCodec(),
    "depth": DepthCodec(),
    "image": LazyCodec(10, "image", "pixels", "geo3d_compression.image.codec"),
    "rgbd": LazyCodec(9, "rgbd", "frames", "geo3d_compression.rgbd.codec"),
    "stereo": LazyCodec(12, "stereo", "frames", "geo3d_compression.video.stereo"),
    "video": LazyCodec(11, "video", "frames", "geo3d_compression.video.codec"),
}

# What a suffix means.  `.ply` may be a cloud or a mesh, `.npy` a cloud, a picture or a volume: their contents decide.
SUFFIXES: dict[str, str] = {
    **dict.fromkeys((".ply", ".pcd", ".las", ".laz", ".e57", ".xyz", ".csv", ".txt", ".npz", ".bin"), "cloud"),
    **dict.fromkeys((".obj", ".stl", ".off", ".glb", ".gltf"), "mesh"),
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".pgm"), "image"),
    **dict.fromkeys((".mp4", ".mkv", ".avi", ".mov", ".webm", ".y4m"), "video"),
    **dict.fromkeys((".nii", ".nrrd"), "volume"),
    ".npy": "cloud",
}
# Kinds that no codec here takes yet: they are named, so that the error can be.
PLANNED = ("mesh",)


def codec_for(source: Path, name: str | None = None) -> str:
    """The name of the codec for an input; `name` forces one."""
    if not source.exists():
        raise FormatError(f"{source} does not exist")
    kind = name or _kind_of(source)
    if kind in CODECS:
        return kind
    if kind in PLANNED:
        raise Geo3DError(
            f"{source}: there is no {kind} codec yet (codecs: {', '.join(CODECS)}); --codec file keeps a file as it is"
        )
    raise Geo3DError(f"unknown codec '{kind}' (codecs: {', '.join(CODECS)})")


def codec_of(number: int, name: str) -> Codec:
    """The codec that wrote an item."""
    for codec in CODECS.values():
        if codec.number == number:
            return codec
    raise BitstreamError(f"'{name}' was written by codec number {number}, which this version does not have")


def _kind_of(source: Path) -> str:
    if source.is_dir():
        return "volume" if _is_series(source) else "depth" if _is_depth(source) else "rgbd"
    suffixes = [s.lower() for s in source.suffixes]
    if suffixes and suffixes[-1] in (".gz", ".xz"):
        suffixes.pop()
    suffix = suffixes[-1] if suffixes else ""
    if suffix == ".ply" and _has_faces(source):
        return "mesh"
    if suffix == ".npy":
        return _array_kind(source)
    if suffix not in SUFFIXES:
        raise FormatError(
            f"{source}: '{suffix or 'no suffix'}' is no known input (known: {', '.join(SUFFIXES)}); "
            "--codec file keeps a file as it is"
        )
    return SUFFIXES[suffix]


# No header of a known format is longer; the rest of a large file need not be read to tell its kind.
_HEADER_BYTES = 1 << 20


def _has_faces(source: Path) -> bool:
    from geo3d.io.files import read_start
    from geo3d.io.meshes.ply import has_faces
    from geo3d.io.ply import parse_header

    try:
        return has_faces(parse_header(read_start(source, _HEADER_BYTES)))
    except FormatError as error:
        raise FormatError(f"{source}: {error}") from None


def _array_kind(source: Path) -> str:
    """Pictures are 8 or 16 bits with two large sides; tables are points; all else is a volume."""
    from geo3d.io.files import read_start
    from geo3d.io.points.npy import parse_npy_header
    from geo3d_compression.image.npy import is_picture

    shape, _, dtype, _ = parse_npy_header(read_start(source, _HEADER_BYTES), str(source))
    if is_picture(tuple(shape), dtype):
        return "image"
    return "cloud" if len(shape) == 2 else "volume"


def _is_series(folder: Path) -> bool:
    """Whether a folder holds nothing but DICOM or TIFF slices, by its first file."""
    first = min((p for p in folder.iterdir() if not p.name.startswith(".")), default=None)
    if first is None or not first.is_file():
        return False
    if first.suffix.lower() in (".tif", ".tiff", ".dcm"):
        return True
    with first.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def _is_depth(folder: Path) -> bool:
    """Whether a folder holds nothing but PNG pictures of more than 8 bits, by the names and the first one's header."""
    files = sorted(p for p in folder.iterdir() if not p.name.startswith("."))
    if not files or any(p.suffix.lower() != ".png" for p in files):
        return False
    with files[0].open("rb") as file:
        # Bytes 24 and 25 of a PNG: 16 bits, one grey channel.
        return file.read(26)[24:] == b"\x10\0"
