"""The adaptive state of a cloud's coder, and one level coded with it."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geo3d_compression.entropy.models import WEIGHT_ONE, new_apm, new_counters, new_mixer
from geo3d_compression.octree.levels import Level
from geo3d_compression.octree.network import MAX_ACTIVATIONS, IntegerNetwork
from geo3d_compression.octree.sensor import Sensor
from geo3d_compression.octree.stage import (
    APM_CONTEXTS,
    CONTEXTS,
    INPUTS,
    NO_SENSOR,
    PLAIN_CONTEXTS,
    SCALE_CLASSES,
    WEIGHT_SETS,
    code_stage,
    existence,
)
from geo3d_compression.octree.weights import load_weights

_TABLE_BITS = 18
_START_WEIGHT = 0.15
_NETWORK_WEIGHT = 0.5
_NETWORKED_START_WEIGHT = 0.1
_RATE = 150


class LevelCoder:
    """Codes levels from the root down, learning as it goes; the same object type drives both directions."""

    def __init__(self, depth: int, profile: Literal["fast", "best"], sensor: Sensor) -> None:
        self._depth = depth
        self._sensor = sensor
        weights = load_weights(profile)
        self._network = IntegerNetwork(weights) if weights else None
        self._tables = np.tile(new_counters(1 << _TABLE_BITS), (CONTEXTS, 1))
        self._weights = new_mixer(WEIGHT_SETS, INPUTS, _NETWORKED_START_WEIGHT if weights else _START_WEIGHT)
        self._chosen = np.arange(PLAIN_CONTEXTS if sensor.mode == NO_SENSOR else CONTEXTS)
        self._weights[:, len(self._chosen) + 1] = round(_NETWORK_WEIGHT * WEIGHT_ONE)
        self._apms = new_apm(APM_CONTEXTS)
        self._adapted = np.zeros((8, MAX_ACTIVATIONS), np.int32)

    def code(
        self,
        coder: tuple[NDArray[np.int64], NDArray[np.uint8]],
        level: Level,
        index: int,
        occupancy: NDArray[np.uint8],  # [n + 1], read or filled
        limit: int,
        encode: bool,
    ) -> int:
        """Code the occupancy of level `index`; returns its number of children, or -1 if they exceed `limit`."""
        fine = self._depth - 1 - index
        exist = existence(level.neighbours)
        rings = self._sensor.rings
        sensor = np.array([*self._sensor[:6], fine], np.int64)
        known = np.zeros(level.size + 1, np.uint8)
        children = 0
        if self._network is not None:
            self._network.begin(level)
        for stage in range(8):
            logits, activations = np.zeros(0, np.int32), np.zeros((0, 0), np.uint8)
            if self._network is not None:
                logits, activations = self._network.logits(stage, known, level.neighbours)
            added = code_stage(
                *coder,
                encode,
                stage,
                occupancy,
                known,
                level.neighbours,
                level.coords,
                exist,
                self._tables,
                _TABLE_BITS,
                self._weights,
                self._apms,
                min(fine, SCALE_CLASSES - 1),
                sensor,
                rings.slopes,
                rings.heights,
                logits,
                activations,
                self._adapted,
                self._chosen,
                _RATE,
                limit - children,
            )
            if added < 0:
                return -1
            children += added
        occupancy[:] = known
        if self._network is not None:
            self._network.finish(known)
        return children
