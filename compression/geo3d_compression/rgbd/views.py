"""Which earlier frames to predict from: those that see most of what this one sees, the latest of them first.

Time is not view: a camera that comes back, or frames of several cameras in turn, have better references than the last
frame.  A sparse raster of pixels is carried into each earlier view by depth and pose; a pixel counts where it lands
inside and the depths agree.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from geo3d_compression.rgbd.predict import CodedFrame

# Pixels of the raster are this far apart; shares of view are compared in eighths.
_STRIDE = 32
_CLASSES = 8
# Frames that are kept to predict from, if they are small; about 8 Mpixel of larger ones, at least four.
MOST_BACK = 16
_FEWEST_BACK = 4
_KEPT_PIXELS = 1 << 23

Posed = tuple[CodedFrame, NDArray[np.float64] | None]


def kept_frames(layout: Sequence[int]) -> int:
    """How many frames encoder and decoder keep, by the size of the last one."""
    return max(_FEWEST_BACK, min(MOST_BACK, _KEPT_PIXELS // max(1, layout[0] * layout[1])))


def choose_backs(here: Posed, history: Sequence[Posed], camera: Sequence[float], count: int) -> list[int]:
    """At most `count` frames, as numbers of frames ago; without poses the last ones."""
    ranked = []
    for back in range(1, len(history) + 1):
        there = history[-back]
        if there[0].layout != here[0].layout:
            continue
        if here[1] is None or there[1] is None:
            ranked.append((-_CLASSES if back <= count else 1, back))
        else:
            share = shared_view(here[0].z, there[0].z, np.linalg.inv(there[1]) @ here[1], camera)
            ranked.append((-int(_CLASSES * share), back))
    return [back for rank, back in sorted(ranked) if rank <= 0][:count]


def shared_view(
    z_here: NDArray[np.float64],
    z_there: NDArray[np.float64],
    T_there_here: NDArray[np.float64],
    camera: Sequence[float],
) -> float:
    """Share of the pixels of one colour camera [H, W] (depth in metres) whose surface the other one sees too."""
    height, width = z_here.shape
    i, j = np.mgrid[_STRIDE // 2 : height : _STRIDE, _STRIDE // 2 : width : _STRIDE]
    if not i.size:
        i, j = np.mgrid[height // 2 : height // 2 + 1, width // 2 : width // 2 + 1]
    z = z_here[i, j]
    rays = np.stack([(j - camera[2]) / camera[0] * z, (i - camera[3]) / camera[1] * z, z], -1)
    x, y, depth = np.moveaxis(rays @ T_there_here[:3, :3].T + T_there_here[:3, 3], -1, 0)
    front = depth > 0.01
    safe = np.where(front, depth, 1.0)
    u = np.rint(x / safe * camera[0] + camera[2]).clip(-1e6, 1e6).astype(np.int64)
    v = np.rint(y / safe * camera[1] + camera[3]).clip(-1e6, 1e6).astype(np.int64)
    seen = front & (u >= 0) & (u < width) & (v >= 0) & (v < height)
    there = z_there[v.clip(0, height - 1), u.clip(0, width - 1)]
    return float((seen & (np.abs(there - depth) < 0.05 + 0.03 * depth)).mean())
