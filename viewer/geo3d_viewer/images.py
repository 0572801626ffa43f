"""Pictures beside their decoded versions: original, decoded, error, with rate and quality in the title."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError, ShapeError
from geo3d_viewer.legend import with_bars
from geo3d_viewer.packed import kinds, unpacked
from geo3d_viewer.palette import Legend, palette
from geo3d_viewer.panels import side_by_side

_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")


def is_image(path: Path) -> bool:
    """True for names of image files and for `.g3c` files with nothing but an image in them."""
    return path.suffix.lower() in _SUFFIXES or kinds(path) == ("image",)


def read_image(path: Path) -> NDArray[np.uint8]:
    """uint8 RGB [H, W, 3] of an image file, or of the image in a `.g3c` file."""
    from PIL import Image, UnidentifiedImageError

    if path.suffix.lower() == ".g3c" and path.is_file():
        with unpacked(path, "image") as file:
            return read_image(file)
    if not path.is_file():
        raise FormatError(f"{path}: no such file")
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise FormatError(f"{path} is no picture that can be read: {error}") from error


def psnr(original: NDArray[np.uint8], decoded: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio over all RGB samples in decibels; inf if they are equal."""
    if original.shape != decoded.shape:
        raise ShapeError(f"pictures of different size: {list(original.shape)} and {list(decoded.shape)}")
    error = float(((original.astype(np.float64) - decoded) ** 2).mean())
    return float("inf") if error == 0 else float(10 * np.log10(255.0**2 / error))


def image_comparison(
    original: NDArray[np.uint8],
    decoded: Sequence[tuple[str, NDArray[np.uint8], int | None]],
    *,
    high: float | None = None,
    say_psnr: bool = True,
) -> NDArray[np.uint8]:
    """Original, then each decoded picture with its error, in rows of two; all errors in one scale.

    decoded   (name, picture, bytes of its file or None) each
    high      the error at the upper end of the scale; None: that of all but a thousandth of the pixels
    say_psnr  add the decibels to the titles
    """
    errors = [np.abs(original.astype(np.int16) - image).max(axis=2) for _, image, _ in decoded]
    high = high or max((float(np.percentile(e, 99.9)) for e in errors), default=0.0) or 1.0
    images, titles = [original], [f"original, {original.shape[1]}x{original.shape[0]}"]
    for (name, image, size), error in zip(decoded, errors, strict=True):
        rate = "" if size is None else f", {8 * size / (image.shape[0] * image.shape[1]):.3f} bpp"
        images += [image, with_bars(palette(error / high), [Legend("largest error of R, G, B", 0.0, high)])]
        quality = f", {psnr(original, image):.2f} dB" if say_psnr else ""
        titles += [f"{name}{rate}{quality}", f"error of {name.split(',')[0]}, dark 0 to bright {high:.3g}"]
    return side_by_side(images, titles, columns=3 if len(decoded) == 1 else None)
