"""The 8-point DCT in integers."""

from __future__ import annotations

import numpy as np

_SCALE = 8192
# The 8-point DCT basis [sample, frequency] * 8192; no entry is near a rounding tie.
BASIS = np.round(
    _SCALE
    * np.where(np.arange(8) == 0, np.sqrt(0.125), 0.5)
    * np.cos((2 * np.arange(8)[:, None] + 1) * np.arange(8) * np.pi / 16)
).astype(np.int64)
