"""Colour columns of any file type become uint8 RGB, exactly where that can be and visibly where it cannot."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def colors_from(rgb: NDArray[Any]) -> tuple[NDArray[np.uint8] | None, bool]:
    """Return (colours uint8 [N, 3], exact) of an [N, 3] array, or (None, False) if it holds no colours.

    integers    0..255 as they are; 16-bit values that are 8-bit ones expanded (times 256 or 257) are reduced exactly;
                other 16-bit values keep their high byte, and `exact` is False
    floats      whole numbers 0..255 as they are; else 0..1, rounded to 255 steps (`exact` tells whether that lost any)
    """
    if not len(rgb):
        return np.zeros((0, 3), np.uint8), True
    if rgb.dtype.kind == "f":
        return _from_floats(rgb)
    low, high = int(rgb.min()), int(rgb.max())
    if low < 0 or high > 65535:
        return None, False
    seen = WideColors()
    seen.add(rgb)
    return seen.reduced(rgb), seen.exact


class WideColors:
    """Whether integer colours 0..65535 that come in pieces [N, 3] fit into 8 bits, and those."""

    def __init__(self) -> None:
        self._is_small = self._is_repeated = self._is_shifted = True

    def add(self, rgb: NDArray[Any]) -> None:
        """Look at a piece."""
        wide = rgb.astype(np.uint16)
        bottom = wide & 255
        self._is_small = self._is_small and int(wide.max(initial=0)) <= 255
        self._is_repeated = self._is_repeated and bool((bottom == wide >> 8).all())
        self._is_shifted = self._is_shifted and not bottom.any()

    @property
    def exact(self) -> bool:
        """Whether `reduced` loses nothing of any piece."""
        return self._is_small or self._is_repeated or self._is_shifted

    def reduced(self, rgb: NDArray[Any]) -> NDArray[np.uint8]:
        """A piece in 8 bits."""
        return (rgb if self._is_small else rgb.astype(np.uint16) >> 8).astype(np.uint8)


def _from_floats(rgb: NDArray[Any]) -> tuple[NDArray[np.uint8] | None, bool]:
    low, high = rgb.min(), rgb.max()
    if not (low >= 0 and high <= 255):
        return None, False
    if high <= 1:
        steps = np.rint(rgb * 255.0)
        return steps.astype(np.uint8), bool(np.abs(steps - rgb * 255.0).max() < 1e-3)
    if (rgb == np.floor(rgb)).all():
        return rgb.astype(np.uint8), True
    return None, False
