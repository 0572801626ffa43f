"""Colour frames of a folder as AV1 video: `--quality` for scans and folders of pictures.

They come back as files of the names and formats that they had (JPEG at quality 95, or PNG), not byte for byte.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import BitstreamError
from geo3d_compression.rgbd.folder import natural
from geo3d_compression.video.lossy import decode_pictures, encode_pictures
from geo3d_compression.video.quality import ms_ssim, psnr

_SUFFIXES = (".jpg", ".jpeg", ".png")
_JPEG_QUALITY = 95
# Frames of which quality is reported.
_JUDGED = 8


@dataclass(frozen=True)
class LossyFrames:
    """The frames that were coded, in order, the Matroska file, and what was lost (dB of RGB, MS-SSIM of luma)."""

    names: tuple[str, ...]
    data: bytes
    psnr: float | None
    ms_ssim: float | None


def encode_colors(root: Path, files: Sequence[str], quality: float, profile: str) -> LossyFrames | None:
    """All 8-bit RGB pictures of the most frequent size, by name; None if there are none."""
    sizes = {f: size for f in sorted(files, key=natural) if (size := _size(root / f)) is not None}
    if not sizes:
        return None
    common = Counter(sizes.values()).most_common(1)[0][0]
    names = tuple(f for f, size in sizes.items() if size == common)
    data = encode_pictures((_pixels(root / f) for f in names), quality, profile).data
    errors, similar = [], []
    for k, (name, decoded) in enumerate(zip(names, decode_pictures(data), strict=True)):
        truth = _pixels(root / name)
        errors.append(float(np.mean((truth.astype(np.float64) - decoded) ** 2)))
        if k < _JUDGED:
            similar.append(ms_ssim(truth.mean(2), decoded.mean(2)))
    flat = np.full(1, np.sqrt(np.mean(errors)))
    return LossyFrames(names, data, psnr(flat, np.zeros(1)), float(np.mean(similar)))


def decode_colors(data: bytes, names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """The frames as files."""
    from PIL import Image

    count = 0
    try:
        for name, picture in zip(names, decode_pictures(data), strict=False):
            out = io.BytesIO()
            if name.lower().endswith(".png"):
                Image.fromarray(picture).save(out, "PNG")
            else:
                Image.fromarray(picture).save(out, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
            yield name, out.getvalue()
            count += 1
    except (ValueError, OSError) as error:
        raise BitstreamError(f"the colour video of a folder is damaged: {error}") from error
    if count != len(names):
        raise BitstreamError(f"the colour video of a folder has {count} frames instead of {len(names)}")


def _size(path: Path) -> tuple[int, int] | None:
    """Width and height of an 8-bit colour picture, else None."""
    from PIL import Image

    if path.suffix.lower() not in _SUFFIXES:
        return None
    try:
        with Image.open(path) as picture:
            return picture.size if picture.mode == "RGB" else None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _pixels(path: Path) -> NDArray[Any]:
    from PIL import Image

    with Image.open(path) as picture:
        return np.asarray(picture)
