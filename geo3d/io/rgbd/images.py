"""Depth and colour pictures of any spelling, as the arrays that the suite works with."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from geo3d.errors import FormatError
from geo3d.types import PinholeCamera

_LARGEST_SIDE = 32768
_LARGEST_AREA = 1 << 28


def read_depth(path: Path, size: tuple[int, int] | None = None, metres_to_steps: float = 1000.0) -> NDArray[np.uint16]:
    """[H, W] uint16 depth of a picture with one channel (8, 16 or 32 bit; PNG, TIFF, PGM) or of an `.npy` array.

    Floating-point pictures and arrays hold metres and are rounded to steps of 1 / `metres_to_steps` metres; what is
    not finite, negative or too far for 16 bits becomes 0, no depth.  `size` is the (width, height) that is expected.
    """
    raw = _read_array(path) if path.suffix == ".npy" else _read_picture(path, size)
    if raw.ndim == 3 and raw.shape[2] == 1:
        raw = raw[:, :, 0]
    if raw.ndim != 2 or raw.dtype.kind not in "iuf":
        raise FormatError(
            f"{path.name} is no depth picture: it has shape {list(raw.shape)} of {raw.dtype}, one channel is needed"
        )
    if size is not None and raw.shape != size[::-1]:
        raise FormatError(f"{path.name} is {raw.shape[1]}x{raw.shape[0]}, but the camera is {size[0]}x{size[1]}")
    if raw.dtype.kind == "f":
        with np.errstate(invalid="ignore", over="ignore"):
            steps = np.rint(raw.astype(np.float64) * metres_to_steps)
            return np.where((steps > 0) & (steps < 65536), steps, 0).astype(np.uint16)
    if raw.size and (raw.min() < 0 or raw.max() > 65535):
        raise FormatError(f"{path.name} holds depths from {raw.min()} to {raw.max()}; 16 bits hold 0 to 65535")
    return raw.astype(np.uint16)


def read_color(path: Path) -> NDArray[np.uint8]:
    """[H, W, 3] uint8 RGB of any picture that Pillow opens; 16-bit grey keeps its high byte, alpha is dropped."""
    with _opened(path) as picture:
        if picture.mode.startswith("I"):
            deep = np.asarray(picture).astype(np.int64)
            grey = (deep >> 8 if deep.size and deep.max() > 255 else deep).clip(0, 255).astype(np.uint8)
            return np.repeat(grey[:, :, None], 3, axis=2)
        return np.asarray(picture.convert("RGB"))


def picture_size(path: Path) -> tuple[int, int]:
    """(width, height) of a picture or of a depth `.npy`, from its header."""
    if path.suffix == ".npy":
        height, width = _read_array(path).shape[:2]
        return width, height
    with _opened(path, decode=False) as picture:
        return picture.size


def color_in_camera(color: NDArray[np.uint8], color_camera: PinholeCamera, camera: PinholeCamera) -> NDArray[np.uint8]:
    """Resample colour taken by `color_camera` to what `camera`, at the same place, would see, at colour's resolution.

    Pixels outside become black.  Distortion is not looked at.
    """
    height, width = color.shape[:2]
    source, target = color_camera.resized(width, height), camera.resized(width, height)
    sx, sy = source.fx / target.fx, source.fy / target.fy
    tx, ty = source.cx - sx * target.cx, source.cy - sy * target.cy
    if max(abs(sx - 1) * width, abs(sy - 1) * height, abs(tx), abs(ty)) < 0.25:
        return color
    # Pillow maps pixel corners, the camera pixel centres: half a pixel apart.
    affine = (sx, 0.0, tx + 0.5 - 0.5 * sx, 0.0, sy, ty + 0.5 - 0.5 * sy)
    moved = Image.fromarray(color).transform((width, height), Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR)
    return np.asarray(moved)


def _read_picture(path: Path, size: tuple[int, int] | None) -> NDArray[Any]:
    with _opened(path, decode=False) as picture:
        if size is not None and picture.size != size:
            width, height = picture.size
            raise FormatError(f"{path.name} is {width}x{height}, but the camera is {size[0]}x{size[1]}")
        try:
            return np.asarray(picture)
        except (OSError, ValueError, SyntaxError, EOFError, MemoryError) as error:
            raise FormatError(f"{path.name} cannot be opened: {error}") from error


def _read_array(path: Path) -> NDArray[Any]:
    from geo3d.io.points.npy import parse_npy

    if not path.is_file():
        raise FormatError(f"{path.name} cannot be opened: no such file")
    array = parse_npy(path.read_bytes(), path.name)
    if array.ndim < 2:
        raise FormatError(f"{path.name} is no depth picture: shape {list(array.shape)}")
    return array


def _opened(path: Path, decode: bool = True) -> Any:
    """An open Pillow picture whose size is believable and, if `decode`, whose pixels have been read."""
    try:
        with warnings.catch_warnings():
            # Pillow warns above 89 megapixels; the limit here is ours and is an error.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(path)
        width, height = picture.size
        if not (0 < width <= _LARGEST_SIDE and 0 < height <= _LARGEST_SIDE and width * height <= _LARGEST_AREA):
            picture.close()
            raise FormatError(f"{path.name} claims to be {width}x{height}, which is larger than any sensor's picture")
        if decode:
            picture.load()
        return picture
    except FormatError:
        raise
    except FileNotFoundError:
        raise FormatError(f"{path.name} cannot be opened: no such file") from None
    except UnidentifiedImageError:
        raise FormatError(f"{path.name} cannot be opened: it is no picture that Pillow knows") from None
    except Image.DecompressionBombError as error:
        raise FormatError(f"{path.name} is too large: {error}") from error
    # Pillow's plug-ins raise all of these on damaged files.
    except (
        OSError,
        ValueError,
        SyntaxError,
        EOFError,
        IndexError,
        KeyError,
        TypeError,
        OverflowError,
        MemoryError,
    ) as error:
        raise FormatError(f"{path.name} cannot be opened: {error}") from error
