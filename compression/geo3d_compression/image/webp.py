"""Lossless WebP files: their samples, and all chunks around them (ICC profile, EXIF, XMP).

libwebp's usual settings are tried; where one gives the file's own stream, the file comes back byte for byte (as long as
libwebp packs alike), else with the same samples and chunks.  Animations and lossy files are not taken apart.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import BitstreamError, FormatError

_MOST_CHUNKS = 1 << 10
# (quality, method) of Pillow, of cwebp, and of both at their slowest; 0 stands for "none of them gives this file".
_SETTINGS = ((75, 4), (80, 4), (75, 4), (100, 6), (80, 6), (100, 4))
# Slow settings are tried, here and when the file is written back, on small pictures alone.
_MOST_PIXELS = {4: 1 << 22, 6: 1 << 20}


@dataclass(frozen=True, eq=False)
class WebpFile:
    """[H, W, 3 or 4] samples; the chunks before and after the picture; the number of its settings."""

    samples: NDArray[np.uint8]
    before: bytes
    after: bytes
    settings: int


def is_webp(data: bytes) -> bool:
    """Whether a file says that it is WebP."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def parse_webp(data: bytes) -> WebpFile:
    """Take a file apart.  Raises `FormatError` where it is damaged, lossy or moving."""
    from PIL import Image

    start, end = _picture_chunk(data)
    try:
        with Image.open(io.BytesIO(data)) as picture:
            samples = np.asarray(picture.convert("RGBA" if picture.mode == "RGBA" else "RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise FormatError(f"WebP file is damaged: {error}") from None
    file = WebpFile(samples, data[12:start], data[end:], 0)
    return WebpFile(samples, file.before, file.after, _find_settings(file, data))


def rebuild_webp(file: WebpFile) -> bytes:
    """The file of its parts; byte for byte where its settings are known and this libwebp packs alike."""
    from PIL import Image

    quality, method = _SETTINGS[file.settings]
    out = io.BytesIO()
    mode = "RGBA" if file.samples.shape[2] == 4 else "RGB"
    try:
        # Colours under transparent pixels are kept.
        Image.fromarray(file.samples, mode).save(out, "WEBP", lossless=True, quality=quality, method=method, exact=True)
    except (OSError, ValueError) as error:
        raise BitstreamError(f"a WebP picture cannot be written: {error}") from error
    plain = out.getvalue()
    start, end = _picture_chunk(plain)
    body = b"WEBP" + file.before + plain[start:end] + file.after
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def _picture_chunk(data: bytes) -> tuple[int, int]:
    """Where the chunk of the lossless picture begins and ends."""
    at = 12
    for _ in range(_MOST_CHUNKS):
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        end = at + 8 + size + size % 2
        if at + 8 > len(data) or end > len(data):
            break
        if kind == b"VP8L":
            return at, end
        if kind in (b"VP8 ", b"ANIM", b"ANMF"):
            raise FormatError("lossy and moving WebP files are not taken apart")
        at = end
    raise FormatError("WebP file is truncated, or holds no lossless picture")


def _find_settings(file: WebpFile, data: bytes) -> int:
    pixels = file.samples.shape[0] * file.samples.shape[1]
    for number, (_, method) in enumerate(_SETTINGS[1:], 1):
        if pixels <= _MOST_PIXELS[method]:
            trial = WebpFile(file.samples, file.before, file.after, number)
            if rebuild_webp(trial) == data:
                return number
    return 0


def settings_count() -> int:
    """How many settings have numbers."""
    return len(_SETTINGS)
