"""Two pictures of a stereo camera: exact files, or AV1 with `--quality`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import BitstreamError, FormatError
from geo3d.io.atomic import write_bytes
from geo3d_compression.codecs.codec import Request
from geo3d_compression.container.fields import Cursor, put_varint
from geo3d_compression.image.codec import picture_size, read_pixels
from geo3d_compression.image.png import parse_png, rebuild_png
from geo3d_compression.image.stored import decode_bytes_any, encode_bytes_any
from geo3d_compression.jpeg.file import parse, rebuild
from geo3d_compression.rgbd.group import SourceFrame, decode_group, encode_group
from geo3d_compression.rgbd.lossy import decode_colors
from geo3d_compression.rgbd.motion import Calibration, Motion
from geo3d_compression.rgbd.picture_group import takes
from geo3d_compression.rgbd.shells import shell, unshell
from geo3d_compression.video.lossy import decode_pictures, encode_pictures
from geo3d_compression.video.quality import ms_ssim, psnr
from geo3d_compression.video.stereo_about import Pair
from geo3d_compression.video.views import decode_right, encode_right

_HIGHEST = 255
_BITS = 8
_WRITTEN = (".png", ".jpg", ".jpeg")


def encode_pair(left: Path, right: Path, request: Request) -> Pair:
    """The best way that two files allow."""
    data = [path.read_bytes() for path in (left, right)]
    (width, height), other = (picture_size(d, str(p)) for d, p in zip(data, (left, right), strict=True))
    if request.quality is not None:
        return _lossy(data, (left, right), request)
    pair = None
    if (width, height) == other:
        pair = _jpegs(data, width, height, request) or _pngs(data, width, height, request)
    alone = [encode_bytes_any(d, request.profile, request.threads) for d in data]
    if pair is None or sum(map(len, alone)) <= sum(map(len, pair.parts)):
        return Pair("files", 1, width, height, alone)
    return pair


def write_pair(pair: Pair, target: Path, names: tuple[str, str], threads: int) -> None:
    """Write both files into the folder `target`; decoded AV1 as PNG where the names are neither PNG nor JPEG."""
    if pair.way == "av1":
        names = tuple(n if n.lower().endswith(_WRITTEN) else str(Path(n).with_suffix(".png")) for n in names)  # type: ignore[assignment]
    for name, data in zip(names, _files(pair, names, threads), strict=True):
        write_bytes(target / name, data)


def _files(pair: Pair, names: tuple[str, str], threads: int) -> list[bytes]:
    if len(pair.parts) != (2 if pair.way in ("files", "png") else 1):
        raise BitstreamError(f"a stereo pair has {len(pair.parts)} parts")
    if pair.way == "files":
        return [decode_bytes_any(p, threads) for p in pair.parts]
    if pair.way == "jpeg":
        return decode_group(pair.parts[0], [lambda: None] * 2, _camera(pair.width, pair.height))
    if pair.way == "av1":
        return [data for _, data in decode_colors(pair.parts[0], list(names))]
    first = decode_bytes_any(pair.parts[0], threads)
    try:
        planes = _planes(parse_png(first).samples)
    except FormatError as error:
        raise BitstreamError(f"the left view of a stereo pair is damaged: {error}") from error
    cursor = Cursor(pair.parts[1], "right view")
    around = Cursor(cursor.take(cursor.varint()), "shell of the right view")
    found = decode_right(cursor.take(cursor.left), [planes], _HIGHEST, pair.profile)[0]  # type: ignore[arg-type]
    data = unshell(around, _picture(found), _BITS)
    around.finish()
    return [first, data]


def _lossy(data: list[bytes], paths: tuple[Path, Path], request: Request) -> Pair:
    pixels = [read_pixels(d, str(p)) for d, p in zip(data, paths, strict=True)]
    if pixels[0].shape != pixels[1].shape:
        raise FormatError(
            f"{paths[0].name} has {pixels[0].shape[1]}x{pixels[0].shape[0]} pixels, {paths[1].name} "
            f"{pixels[1].shape[1]}x{pixels[1].shape[0]}: views of two sizes are no pair; compress them one by one"
        )
    assert request.quality is not None
    coded = encode_pictures(pixels, request.quality, request.profile)
    decoded = list(decode_pictures(coded.data))
    details = {
        "psnr": psnr(np.stack(pixels), np.stack(decoded)),
        "ms_ssim": float(np.mean([ms_ssim(a.mean(2), b.mean(2)) for a, b in zip(pixels, decoded, strict=True)])),
    }
    height, width = pixels[0].shape[:2]
    return Pair("av1", 1, width, height, [coded.data], details=details)


def _jpegs(data: list[bytes], width: int, height: int, request: Request) -> Pair | None:
    try:
        files = [parse(d) for d in data]
        if any(rebuild(f) != d for f, d in zip(files, data, strict=True)):
            return None
    except FormatError:
        return None
    frames = [SourceFrame(d, f, None, None) for d, f in zip(data, files, strict=True)]
    stream = encode_group(frames, _camera(width, height), request.profile)
    if decode_group(stream, [lambda: None] * 2, _camera(width, height)) != data:
        return None
    return Pair("jpeg", 1, width, height, [stream])


def _pngs(data: list[bytes], width: int, height: int, request: Request) -> Pair | None:
    try:
        files = [parse_png(d) for d in data]
    except FormatError:
        return None
    exact = all(takes(f) and rebuild_png(f) == d for f, d in zip(files, data, strict=True))
    if not exact or files[0].samples.shape != files[1].samples.shape:
        return None
    planes = [_planes(f.samples) for f in files]
    around = shell(files[1])
    head = bytearray()
    put_varint(head, len(around))
    stream = encode_right([planes[0]], [planes[1]], _HIGHEST, request.profile)
    parts = [encode_bytes_any(data[0], request.profile, request.threads), bytes(head) + around + stream]
    return Pair("png", 1, width, height, parts)


def _camera(width: int, height: int) -> Calibration:
    """No depth is known: everything stands two metres away, and the grid of shifts does the rest."""
    f = 0.9 * max(width, height)
    k = (f, f, width / 2 - 0.5, height / 2 - 0.5)
    return Calibration(k, k, Motion(), 1000.0)


def _planes(samples: NDArray[np.uint8] | NDArray[np.uint16]) -> list[NDArray[np.uint8] | NDArray[np.uint16]]:
    """Green first."""
    order = (1, 0, 2) if samples.shape[2] == 3 else range(samples.shape[2])
    # Only pictures of 8 bits come here.
    return [np.ascontiguousarray(samples[:, :, c]).astype(np.uint8, copy=False) for c in order]


def _picture(planes: list[NDArray[np.uint8] | NDArray[np.uint16]]) -> NDArray[np.uint8]:
    order = (1, 0, 2) if len(planes) == 3 else range(len(planes))
    return np.stack([planes[c] for c in order], -1).astype(np.uint8)
