"""Pictures in a container: the file exactly, its samples exactly, or, with `--quality`, AVIF."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import BitstreamError, FormatError, Geo3DError
from geo3d.io.atomic import write_bytes
from geo3d.optional import require
from geo3d_compression.codecs.codec import Outcome, Request, View
from geo3d_compression.container import ChunkType, Container, ContainerWriter, Item
from geo3d_compression.container.fields import Choice, Cursor, Float, UInt, pack, unpack
from geo3d_compression.image.near import MOST as MOST_NEAR
from geo3d_compression.image.npy import SIGNATURE as NPY_SIGNATURE
from geo3d_compression.image.npy import parse_npy
from geo3d_compression.image.stored import (
    METHODS,
    decode_bytes_any,
    encode_bytes_any,
    method_of,
    samples_of,
)
from geo3d_compression.jpeg.priors import priors_id
from geo3d_compression.video.quality import ms_ssim, psnr

_WAYS = ("file", "samples", "avif")
# Methods that know nothing of pictures.
_GENERAL = ("stored", "deflate", "bytes")
_HEADER = (
    Choice("profile", ("fast", "best")), Choice("way", _WAYS), Choice("method", METHODS), UInt("width", 1 << 31),
    UInt("height", 1 << 31), UInt("size", 1 << 40), Float("quality", 0, 100), UInt("near", MOST_NEAR),
)  # fmt: skip
_AVIF_SPEED = {"fast": 8, "best": 4}


NUMBER, KIND = 10, "image"


def compress(source: Path, writer: ContainerWriter, name: str, request: Request) -> Outcome:
    data = source.read_bytes()
    if request.quality is not None and not request.lossless:
        return _lossy(data, source, writer, name, request)
    width, height = picture_size(data, str(source))
    if request.near:
        way, stream = "samples", _near(data, str(source), request)
    else:
        way, stream = "file", encode_bytes_any(data, request.profile, request.threads)
    if not request.near and method_of(stream) in _GENERAL:
        way, stream = _samples_instead(data, stream, request)
    values = {
        "profile": request.profile, "way": way, "method": method_of(stream), "width": width, "height": height,
        "size": len(data), "quality": 100.0, "near": request.near,
    }  # fmt: skip
    item = writer.add_item(Item(name, KIND, NUMBER, priors_id()))
    writer.add_chunk(item, ChunkType.HEADER, pack(_HEADER, values), critical=True)
    writer.add_chunk(item, ChunkType.DATA, stream)
    details = {"method": method_of(stream), "bytes_in": len(data), "exact": way == "file", "max_error": request.near}
    return Outcome(width * height, details)


def _lossy(data: bytes, source: Path, writer: ContainerWriter, name: str, request: Request) -> Outcome:
    quality = request.quality or 0.0
    if not 1 <= quality <= 100:
        raise Geo3DError(f"--quality must be from 1 to 100, got {quality:g}")
    codecs = require("imagecodecs", "peers", "lossy pictures (AVIF)")
    pixels = read_pixels(data, str(source))
    stream = codecs.avif_encode(pixels, level=round(quality), speed=_AVIF_SPEED[request.profile], numthreads=1)
    decoded = codecs.avif_decode(stream).reshape(pixels.shape)
    height, width = pixels.shape[:2]
    values = {
        "profile": request.profile, "way": "avif", "method": "stored", "width": width, "height": height,
        "size": len(data), "quality": quality, "near": 0,
    }  # fmt: skip
    item = writer.add_item(Item(name, KIND, NUMBER))
    writer.add_chunk(item, ChunkType.HEADER, pack(_HEADER, values), critical=True)
    writer.add_chunk(item, ChunkType.DATA, stream)
    details = {
        "method": "avif", "bytes_in": len(data), "exact": False, "psnr": psnr(pixels, decoded),
        "ms_ssim": ms_ssim(pixels.mean(2), decoded.mean(2)),
    }  # fmt: skip
    return Outcome(width * height, details)


def decompress(container: Container, item: int, target: Path, view: View) -> Outcome:
    header = _header(container, item)
    stream = container.need(item, ChunkType.DATA)
    if header["way"] == "avif":
        _write_avif(stream, target)
    elif header["way"] == "samples":
        write_bytes(target, decode_bytes_any(stream, view.threads, quiet=True))
    else:
        about = container.items[item]
        if header["method"] == "jpeg" and about.model != priors_id():
            raise BitstreamError(
                f"'{about.name}' needs the JPEG model {about.model.hex() or '(none)'}; installed is "
                f"{priors_id().hex()}: install the version that wrote it"
            )
        write_bytes(target, decode_bytes_any(stream, view.threads))
    return Outcome(header["width"] * header["height"], {"exact": header["way"] == "file"})


def describe(container: Container, item: int) -> dict[str, Any]:
    h = _header(container, item)
    return {
        "profile": h["profile"], "pixels": h["width"] * h["height"], "width": h["width"], "height": h["height"],
        "method": "avif" if h["way"] == "avif" else h["method"], "exact": h["way"] == "file",
        "bytes_in": h["size"], "max_error": h["near"],
    }  # fmt: skip


def _samples_instead(data: bytes, stream: bytes, request: Request) -> tuple[str, bytes]:
    """The samples of a picture file whose own bytes no setting gives (and all else that it holds), if that is shorter.

    Only of formats that can be written with any packing: PNG and WebP.
    """
    for method, encode in samples_of(data, request.profile, request.threads):
        if METHODS[method] in ("png", "webp"):
            try:
                samples = bytes([method]) + encode()
            except FormatError:
                continue
            if len(samples) < len(stream):
                return "samples", samples
    return "file", stream


def _near(data: bytes, name: str, request: Request) -> bytes:
    """A stream whose samples are at most `request.near` away from the file's."""
    if request.lossless or request.quality is not None:
        raise Geo3DError("--near bounds the error of samples: give it without --lossless and --quality")
    reason = "only PNG, WebP (lossless), TIFF (not compressed), PGM, PPM and .npy pictures take --near"
    for method, encode in samples_of(data, request.profile, request.threads, request.near):
        try:
            return bytes([method]) + encode()
        except FormatError as error:
            reason = str(error)
    raise FormatError(f"{name}: {reason}")


def _no_picture(name: str, data: bytes, error: Exception) -> FormatError:
    # Pillow's message for an unknown format names its own buffer, which says nothing.
    reason = f"its first bytes are {data[:8]!r}" if "cannot identify" in str(error) else str(error)
    return FormatError(f"{name} is no picture: {reason}; --codec file keeps it as it is")


def picture_size(data: bytes, name: str) -> tuple[int, int]:
    """Width and height of a NumPy picture, or of any that Pillow knows."""
    if data.startswith(NPY_SIGNATURE):
        height, width, _ = parse_npy(data).samples.shape
        return width, height
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data)) as picture:
            return picture.size
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise _no_picture(name, data, error) from None


def read_pixels(data: bytes, name: str) -> NDArray[np.uint8]:
    """[H, W, 3] uint8 RGB, turned upright where the file says how."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data)) as picture:
            return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise _no_picture(name, data, error) from None


def _write_avif(stream: bytes, target: Path) -> None:
    if target.suffix.lower() == ".avif":
        write_bytes(target, stream)
        return
    from PIL import Image

    from geo3d.io.atomic import atomic_path

    codecs = require("imagecodecs", "peers", "lossy pictures (AVIF)")
    try:
        pixels = codecs.avif_decode(stream)
    except Exception as error:
        raise BitstreamError(f"AVIF data is damaged: {error}") from error
    with atomic_path(target) as temporary:
        try:
            Image.fromarray(pixels).save(temporary)
        except (ValueError, OSError) as error:
            raise FormatError(f"cannot write {target}: {error}; .png and .avif work") from None


def _header(container: Container, item: int) -> dict[str, Any]:
    cursor = Cursor(container.need(item, ChunkType.HEADER), "picture header")
    values = unpack(_HEADER, cursor)
    cursor.finish()
    return values
