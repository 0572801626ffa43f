"""Keeps what was worked out for frames, so that many pairs of few frames cost little."""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeVar

import numpy as np

from geo3d.registration.dense import FrameMaps, frame_maps
from geo3d.registration.frames.describe import FrameDescription, describe_frame, feature_voxel
from geo3d.types import RGBDFrame

K = TypeVar("K")
V = TypeVar("V")

# Two frames' grids differ; in steps of a fifth a frame needs few descriptions for all its partners.
STEP = 1.2


class Shelf:
    """Pyramids and descriptions of the frames that were asked for last.

    A result does not depend on what the shelf holds.
    """

    def __init__(self, limit: int = 48) -> None:
        self._limit = limit
        self._maps: OrderedDict[int, tuple[RGBDFrame, FrameMaps]] = OrderedDict()
        self._described: OrderedDict[tuple[int, float], tuple[RGBDFrame, FrameDescription]] = OrderedDict()

    def maps(self, frame: RGBDFrame) -> FrameMaps:
        """The frame's pyramid."""
        if id(frame) not in self._maps:
            # The frame is kept beside its result: while it lives, its id stays its own.
            self._maps[id(frame)] = (frame, frame_maps(frame))
        return _used(self._maps, id(frame), self._limit)[1]

    def describe(self, frame: RGBDFrame, voxel: float) -> FrameDescription:
        """The frame's features on a grid of this voxel [m]."""
        key = (id(frame), voxel)
        if key not in self._described:
            self._described[key] = (frame, describe_frame(frame, voxel, maps=self.maps(frame)))
        return _used(self._described, key, self._limit)[1]

    def pair(self, source: RGBDFrame, target: RGBDFrame) -> tuple[FrameDescription, FrameDescription]:
        """Both frames on one grid, or their features would describe neighbourhoods of different sizes."""
        voxel = common_voxel(self.maps(source), self.maps(target))
        return self.describe(source, voxel), self.describe(target, voxel)


def common_voxel(a: FrameMaps, b: FrameMaps) -> float:
    """The larger of two frames' own grids, metres, in steps of a fifth."""
    voxel = max(feature_voxel(a), feature_voxel(b))
    return float(STEP ** np.ceil(np.log(voxel) / np.log(STEP)))


def _used(table: OrderedDict[K, V], key: K, limit: int) -> V:
    table.move_to_end(key)
    if len(table) > limit:
        table.popitem(last=False)
    return table[key]
