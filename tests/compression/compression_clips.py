"""Clips that move, as planes, shared by the tests of video."""

from __future__ import annotations

import numpy as np
from geo3d_compression.video.clip import ClipAbout, plane_count, plane_shape


def moving(format: str = "yuv420p", frames: int = 4, height: int = 38, width: int = 52) -> list[list[np.ndarray]]:
    """A noisy texture that slides by (1, 3) pixels a frame, chroma by about half of that."""
    rng = np.random.default_rng(4)
    deep = format.endswith("le")
    big = rng.integers(0, 60, (4, height + 60, width + 60)) + 90
    result = []
    for t in range(frames):
        planes = []
        for k in range(plane_count(format)):
            h, w = plane_shape(format, k, height, width)
            y, x = (20 - t, 30 - 3 * t) if h == height else (20 - t // 2, 30 - 3 * t // 2)
            planes.append((big[k, y : y + h, x : x + w] * (4 if deep else 1)).astype("<u2" if deep else np.uint8))
        result.append(planes)
    return result


def about(format: str = "yuv420p", height: int = 38, width: int = 52) -> ClipAbout:
    return ClipAbout(width, height, format, (1, 1000), (25, 1), 1, 1)
