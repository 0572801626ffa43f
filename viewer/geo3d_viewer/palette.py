"""Colours for numbers: a palette that is read in order by people with and without full colour vision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Sixteen steps of viridis (van der Walt & Smith 2015, CC0), dark blue to yellow.
_VIRIDIS = np.array(
    [
        [68, 1, 84], [72, 24, 106], [71, 45, 123], [66, 64, 134], [59, 82, 139], [51, 99, 141], [44, 114, 142],
        [38, 130, 142], [33, 145, 140], [31, 160, 136], [40, 174, 128], [63, 188, 115], [94, 201, 98],
        [132, 212, 75], [173, 220, 48], [253, 231, 37],
    ],
    dtype=np.float64,
)  # fmt: skip

# Distinct colours for labels, layers and cameras (Okabe & Ito 2008), without black and yellow.
CATEGORIES = np.array(
    [[0, 114, 178], [230, 159, 0], [0, 158, 115], [204, 121, 167], [86, 180, 233], [213, 94, 0]], dtype=np.uint8
)


@dataclass(frozen=True, eq=False)
class Legend:
    """What the colours of a layer mean.

    label      the quantity, with its unit
    low, high  the values at the two ends of the palette
    values     all values, where their histogram is to be shown beside the colours
    """

    label: str
    low: float
    high: float
    values: NDArray[np.float64] | None = None


def palette(t: NDArray[Any]) -> NDArray[np.uint8]:
    """Colours [..., 3] of numbers in 0..1; values outside are clamped, NaN becomes the lowest."""
    x = np.clip(np.nan_to_num(np.asarray(t, dtype=np.float64)), 0, 1) * (len(_VIRIDIS) - 1)
    steps = np.arange(len(_VIRIDIS))
    return np.stack([np.interp(x, steps, _VIRIDIS[:, k]) for k in range(3)], axis=-1).astype(np.uint8)


def colored_by_value(
    values: NDArray[Any], label: str, like: NDArray[Any] | None = None
) -> tuple[NDArray[np.uint8], Legend]:
    """Colours [N, 3] of a scalar per point, spread over its (or `like`'s) 1st to 99th percentile, and their legend."""
    v = np.asarray(values, dtype=np.float64)
    good = v if like is None else np.asarray(like, dtype=np.float64)
    good = good[np.isfinite(good)]
    low, high = np.percentile(good, [1, 99]) if len(good) else (0.0, 1.0)
    if high <= low:
        low, high = (float(good.min()), float(good.max())) if len(good) else (0.0, 1.0)
    return palette((v - low) / ((high - low) or 1.0)), Legend(label, float(low), float(high))


def parse_color(text: str) -> NDArray[np.uint8] | None:
    """RGB of '#rrggbb', or None if the text is not that."""
    digits = text[1:]
    if len(text) == 7 and text[0] == "#" and all(c in "0123456789abcdefABCDEF" for c in digits):
        return np.frombuffer(bytes.fromhex(digits), dtype=np.uint8)
    return None
