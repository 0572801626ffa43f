"""The adaptive state of a cloud's coder, and one level coded with it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo3d_compression.entropy.models import new_apm, new_counters, new_mixer
from geo3d_compression.octree.levels import Level
from geo3d_compression.octree.stage import (
    APM_CONTEXTS,
    CONTEXTS,
    INPUTS,
    SCALE_CLASSES,
    WEIGHT_SETS,
    code_level,
    existence,
)

_TABLE_BITS = 18
_START_WEIGHT = 0.15
_RATE = 96


class LevelCoder:
    """Codes levels from the root down, learning as it goes; the same object type drives both directions."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self._tables = np.tile(new_counters(1 << _TABLE_BITS), (CONTEXTS, 1))
        self._weights = new_mixer(WEIGHT_SETS, INPUTS, _START_WEIGHT)
        self._apms = new_apm(APM_CONTEXTS)

    def code(
        self,
        coder: tuple[NDArray[np.int64], NDArray[np.uint8]],
        level: Level,
        index: int,
        occupancy: NDArray[np.uint8],  # [n + 1], read or filled
        parent_occupancy: NDArray[np.uint8],
        limit: int,
        encode: bool,
    ) -> int:
        """Code the occupancy of level `index`; returns its number of children, or -1 if they exceed `limit`."""
        scale = min(self.depth - 1 - index, SCALE_CLASSES - 1)
        return int(
            code_level(
                *coder,
                encode,
                occupancy,
                level.neighbours,
                level.coords,
                level.parent,
                level.octant,
                parent_occupancy,
                existence(level.neighbours),
                self._tables,
                _TABLE_BITS,
                self._weights,
                self._apms,
                scale,
                limit,
                np.zeros((8, 1), np.int32),
                False,
                _RATE,
            )
        )
