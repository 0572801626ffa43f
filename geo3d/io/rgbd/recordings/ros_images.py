"""ROS image messages as arrays (sensor_msgs/Image, CompressedImage, CameraInfo; REP 118 for depth)."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from geo3d.errors import FormatError, ShapeError
from geo3d.io.rgbd.recordings.recording import millimetres
from geo3d.types import PinholeCamera

DEPTH_ENCODINGS = ("16UC1", "mono16", "32FC1")
# Encoding -> channels, and where red, green and blue are.
COLOR_ENCODINGS = {
    "rgb8": (3, (0, 1, 2)),
    "bgr8": (3, (2, 1, 0)),
    "8UC3": (3, (2, 1, 0)),
    "rgba8": (4, (0, 1, 2)),
    "bgra8": (4, (2, 1, 0)),
    "mono8": (1, (0, 0, 0)),
    "8UC1": (1, (0, 0, 0)),
}
_DEPTH_HEADER = 12  # bytes before the PNG in compressedDepth


def is_depth(message: Any) -> bool:
    """True for a depth picture, packed or not."""
    if hasattr(message, "encoding"):
        return message.encoding in DEPTH_ENCODINGS
    return "compressedDepth" in message.format


def is_color(message: Any) -> bool:
    """True for a colour or grey picture, packed or not."""
    if hasattr(message, "encoding"):
        return message.encoding in COLOR_ENCODINGS
    return "compressedDepth" not in message.format


def depth_of(message: Any, metres_per_step: float) -> NDArray[np.uint16]:
    """[H, W] millimetres.  Whole numbers are steps of `metres_per_step`, floating-point ones metres."""
    if hasattr(message, "encoding"):
        kind = "f4" if message.encoding == "32FC1" else "u2"
        raw = _pixels(message, np.dtype((">" if message.is_bigendian else "<") + kind), 1)[:, :, 0]
    elif "32FC1" in message.format:
        raise FormatError("compressedDepth of 32FC1 holds quantised inverse depths, which are not read; record 16UC1")
    else:
        raw = _picture(bytes(message.data[_DEPTH_HEADER:]), None)
        if raw.ndim != 2:
            raise FormatError(f"a packed depth picture has shape {list(raw.shape)}")
    if raw.dtype.kind == "f":
        return millimetres(raw.astype(np.float32))
    return millimetres((raw * np.float64(metres_per_step)).astype(np.float32))


def color_of(message: Any) -> NDArray[np.uint8]:
    """[H, W, 3] RGB."""
    if not hasattr(message, "encoding"):
        return _picture(bytes(message.data), "RGB")
    channels, order = COLOR_ENCODINGS[message.encoding]
    return np.ascontiguousarray(_pixels(message, np.dtype(np.uint8), channels)[:, :, list(order)])


def camera_of(info: Any, rectified: bool) -> PinholeCamera:
    """The camera of a CameraInfo message; of rectified pictures its P, without distortion."""
    K = np.asarray(getattr(info, "K", getattr(info, "k", None)), dtype=np.float64).reshape(3, 3)
    P = np.asarray(getattr(info, "P", getattr(info, "p", None)), dtype=np.float64).reshape(3, 4)
    D = tuple(float(v) for v in getattr(info, "D", getattr(info, "d", ())))
    if rectified and P[0, 0] > 0:
        K, D = P[:, :3], ()
    if any(D) and info.distortion_model not in ("plumb_bob", "rational_polynomial"):
        raise FormatError(f"distortion model '{info.distortion_model}' is not known (plumb_bob, rational_polynomial)")
    try:
        return PinholeCamera.from_K(K, int(info.width), int(info.height), D if any(D) else ())
    except ShapeError as error:
        raise FormatError(f"camera info: {error}") from None


def _pixels(message: Any, dtype: np.dtype[Any], channels: int) -> NDArray[Any]:
    height, width, step = int(message.height), int(message.width), int(message.step)
    row = width * channels * dtype.itemsize
    data = np.frombuffer(memoryview(message.data), np.uint8)
    if height < 1 or width < 1 or step < row or len(data) < step * (height - 1) + row:
        raise FormatError(f"a picture of {width}x{height} ({message.encoding}, step {step}) has {len(data)} bytes")
    rows = np.lib.stride_tricks.as_strided(data, (height, row), (step, 1))
    return np.ascontiguousarray(rows).view(dtype).reshape(height, width, channels)


def _picture(data: bytes, mode: str | None) -> NDArray[Any]:
    try:
        with Image.open(io.BytesIO(data)) as picture:
            if picture.size[0] * picture.size[1] > 1 << 28:
                raise FormatError(f"a packed picture claims to be {picture.size[0]}x{picture.size[1]}")
            return np.asarray(picture if mode is None else picture.convert(mode))
    except FormatError:
        raise
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise FormatError(f"a packed picture cannot be opened: {error}") from error
