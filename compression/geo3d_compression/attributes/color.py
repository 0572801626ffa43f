"""YCoCg-R, the reversible integer colour transform.

Malvar, Sullivan, Srinivasan 2008, "Lifting-based reversible color transformations for image compression", eq. 9-10.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Least and greatest Y, Co, Cg of 8-bit RGB.
RANGES = ((0, 255), (-255, 255), (-255, 255))


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
