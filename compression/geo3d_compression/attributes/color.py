"""Reversible integer colour transforms of 8-bit RGB.

ycocg   YCoCg-R (Malvar, Sullivan, Srinivasan 2008, "Lifting-based reversible color transformations for image
        compression", eq. 9-10)
green   green, red - green, blue - green
jpeg    the Y, Cb, Cr of JPEG (ITU-T T.871), and which of the few colours that round to them it is (see `lattice`):
        for colours that once were decoded from Y Cb Cr, of which RGB knows four times as many as there are
"""

from __future__ import annotations

import numpy as np
from geo3d_compression.attributes.lattice import REMAINDERS, jpeg_to_rgb, rgb_to_jpeg
from numpy.typing import NDArray

# The order is the number in the file: append only.
TRANSFORMS = ("none", "ycocg", "green", "jpeg")

# Least and greatest value of each channel.
RANGES = {
    "none": ((0, 255),) * 3,
    "ycocg": ((0, 255), (-255, 255), (-255, 255)),
    "green": ((0, 255), (-255, 255), (-255, 255)),
    "jpeg": ((0, 255), (-127, 128), (-127, 128), (0, REMAINDERS - 1)),
}
# From this share of colours on that are Y Cb Cr rounded, the transform of JPEG is the best of the three; a quarter of
# all colours are.
_LEAST_SHARE = 2 / 3
# So many colours or fewer are a palette, not a picture.
_FEW = 16


def forward(rgb: NDArray[np.uint8], transform: str) -> NDArray[np.int64]:
    """[N, 3] uint8 RGB to int64 channels [N, 3], or [N, 4] with `jpeg`."""
    if transform == "ycocg":
        return rgb_to_ycocg(rgb)
    if transform == "jpeg":
        return rgb_to_jpeg(rgb)
    r, g, b = (rgb[:, k].astype(np.int64) for k in range(3))
    return np.stack([g, r - g, b - g] if transform == "green" else [r, g, b], axis=1)


def inverse(channels: NDArray[np.int64], transform: str) -> NDArray[np.int64]:
    """The inverse: [N, 3] int64 RGB, not clipped (exact values need no clipping)."""
    if transform == "ycocg":
        return ycocg_to_rgb(channels)
    if transform == "jpeg":
        return jpeg_to_rgb(channels)
    first, second, third = (channels[:, k] for k in range(3))
    return np.stack([first + second, first, first + third] if transform == "green" else [first, second, third], axis=1)


class ColorSurvey:
    """Which transform fits the colours of a cloud, seen in pieces, and whether they are few."""

    def __init__(self) -> None:
        self._hits = self._seen = 0
        self._distinct = np.zeros(0, np.int64)

    def add(self, rgb: NDArray[np.uint8]) -> None:
        """Look at a piece [N, 3]."""
        self._hits += int((rgb_to_jpeg(rgb)[:, 3] == 0).sum())
        self._seen += len(rgb)
        if self.are_few():
            packed = rgb.astype(np.int64) @ [1 << 16, 1 << 8, 1]
            self._distinct = np.unique(np.concatenate([self._distinct, packed]))

    def are_few(self) -> bool:
        """True of labels and the like: loss saves nothing there and blends what must not be blended."""
        return len(self._distinct) <= _FEW

    def best(self) -> str:
        """One of `TRANSFORMS`."""
        return "jpeg" if self._hits > _LEAST_SHARE * self._seen else "green"


def rgb_to_ycocg(rgb: NDArray[np.uint8]) -> NDArray[np.int64]:
    """[N, 3] uint8 RGB to int64 Y, Co, Cg."""
    r, g, b = (rgb[:, k].astype(np.int64) for k in range(3))
    co = r - b
    t = b + (co >> 1)
    cg = g - t
    return np.stack([t + (cg >> 1), co, cg], axis=1)


def ycocg_to_rgb(ycocg: NDArray[np.int64]) -> NDArray[np.int64]:
    """The inverse: [N, 3] int64 RGB, not clipped (exact values need no clipping)."""
    y, co, cg = (ycocg[:, k] for k in range(3))
    t = y - (cg >> 1)
    g = cg + t
    b = t - (co >> 1)
    return np.stack([b + co, g, b], axis=1)
