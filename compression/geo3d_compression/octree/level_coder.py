"""The adaptive state of a cloud's coder, and one level coded with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo3d_compression.entropy.models import WEIGHT_ONE, new_apm, new_counters, new_mixer
from geo3d_compression.octree.contexts import CONTEXTS, PLAIN_CONTEXTS, SURFACE_INPUTS, earlier_masks, existence
from geo3d_compression.octree.earlier import earlier_nodes, no_earlier
from geo3d_compression.octree.feedback import new_feedback
from geo3d_compression.octree.head import MAX_ACTIVATIONS, Head, no_head
from geo3d_compression.octree.levels import Level
from geo3d_compression.octree.network import IntegerNetwork
from geo3d_compression.octree.sensor import Sensor
from geo3d_compression.octree.sensor_contexts import NO_SENSOR, SCATTERED
from geo3d_compression.octree.stage import (
    APM_CONTEXTS,
    INPUTS,
    MAX_NETWORKS,
    SCALE_CLASSES,
    WEIGHT_SETS,
    code_stage,
)
from geo3d_compression.octree.surface import SurfaceFits, no_fits
from geo3d_compression.octree.weights import load_odds, load_weights

_TABLE_BITS = 18
_START_WEIGHT = 0.1
_NETWORK_WEIGHT = 0.5
_FEEDBACK_WEIGHT = 0.25
_SURFACE_WEIGHTS = (0.3, 0.2)
_SURFACE_CONTEXT_WEIGHT = 0.05
_RATE = 150


# Levels of more nodes are coded in two lanes at the same time, each learning on its own from then on.  It costs dense
# clouds 0.2 to 0.5 %, smaller ones and scanners' more.
SPLIT_NODES = 1 << 15
_LANES: dict[str, int] = {"fast": 2, "best": 1}

# From so many nodes on, and so few hundredths of a node in one of the level above, nodes count as alone.
_ALONE_FROM = 64
_ALONE_HUNDREDTHS = 118

# Nodes whose hidden sums are held at a time, 384 bytes a node, while those of as many are coded.
_SUMS_NODES = 1 << 15

Coder = tuple[NDArray[np.int64], NDArray[np.uint8]]


class _Lane(NamedTuple):
    """What a lane has learnt."""

    tables: NDArray[np.uint32]
    weights: NDArray[np.int32]
    apms: NDArray[np.int32]
    adapted: NDArray[np.int32]
    feedback: NDArray[np.int64]


class LevelCoder:
    """Codes levels from the root down, learning as it goes; the same object type drives both directions."""

    def __init__(self, depth: int, profile: Literal["fast", "best"], sensor: Sensor, networks: int = 0) -> None:
        self._depth = depth
        self._sensor = sensor
        self._networks = [IntegerNetwork(tensors) for tensors in load_weights(profile, networks)]
        self._previous = 1
        mixer = new_mixer(WEIGHT_SETS, INPUTS, _START_WEIGHT)
        self._contexts = PLAIN_CONTEXTS if sensor.mode == NO_SENSOR else CONTEXTS
        self._surface = SurfaceFits() if sensor.mode == SCATTERED else None
        self._odds = load_odds()
        at = self._contexts
        if self._surface:
            mixer[:, PLAIN_CONTEXTS:at] = round(_SURFACE_CONTEXT_WEIGHT * WEIGHT_ONE)
            mixer[:, at : at + SURFACE_INPUTS] = np.round(np.array(_SURFACE_WEIGHTS) * WEIGHT_ONE)
            at += SURFACE_INPUTS
        for k in range(len(self._networks)):
            mixer[:, at + 1 + 2 * k] = round(_NETWORK_WEIGHT * WEIGHT_ONE / len(self._networks))
        mixer[:, at + 1 + 2 * len(self._networks)] = round(_FEEDBACK_WEIGHT * WEIGHT_ONE)
        self._lanes = [
            _Lane(
                np.tile(new_counters(1 << _TABLE_BITS), (CONTEXTS, 1)),
                mixer,
                new_apm(APM_CONTEXTS),
                np.zeros((8, MAX_ACTIVATIONS * MAX_NETWORKS), np.int32),
                new_feedback(),
            )
        ]
        self._most_lanes = _LANES[profile]

    def lanes(self, nodes: int) -> int:
        """Number of coders that a level of `nodes` nodes takes."""
        return self._most_lanes if nodes > SPLIT_NODES and self._sensor.mode in (NO_SENSOR, SCATTERED) else 1

    def code(
        self,
        coders: Sequence[Coder],  # as many as `lanes` says
        level: Level,
        index: int,
        occupancy: NDArray[np.uint8],  # [n + 1], read or filled
        limit: int,
        encode: bool,
    ) -> int:
        """Code the occupancy of level `index`; returns its number of children, or -1 if they exceed `limit`."""
        networks = self._networks_of(level)
        causal = any(network.causal for network in networks)
        fine = self._depth - 1 - index
        exist = existence(level.neighbours)
        rings = self._sensor.rings
        sensor = np.array([*self._sensor[:6], fine], np.int64)
        known = np.zeros(level.size + 1, np.uint8)
        while len(self._lanes) < len(coders):
            self._lanes.append(deepcopy(self._lanes[0]))
        bounds = [level.size * k // len(coders) for k in range(len(coders) + 1)]
        before = earlier_masks(level.neighbours, np.array(bounds))
        earlier = earlier_nodes(level.neighbours) if causal else no_earlier()
        widths = np.cumsum([0, *(network.units for network in networks)])
        activations = np.zeros((level.size, widths[-1]), np.uint8)
        scale = min(fine, SCALE_CLASSES - 1)
        fits = self._surface.of(level) if self._surface else no_fits()
        for network in networks:
            network.begin(level)

        def run(k: int) -> int:
            lane, added = self._lanes[k], 0
            for first, last, heads in self._runs(networks, stage, known, level, bounds[k], bounds[k + 1]):
                found = code_stage(
                    *coders[k],
                    encode,
                    stage,
                    bounds[k],
                    first,
                    last,
                    occupancy,
                    known,
                    level.neighbours,
                    level.coords,
                    exist,
                    before,
                    lane.tables,
                    _TABLE_BITS,
                    lane.weights,
                    lane.apms,
                    scale,
                    sensor,
                    rings.slopes,
                    rings.heights,
                    logits,
                    activations,
                    widths,
                    heads,
                    earlier,
                    surprise,
                    errors,
                    lane.feedback,
                    fits,
                    self._odds,
                    lane.adapted,
                    self._contexts,
                    _RATE,
                    limit - children - added,
                )
                if found < 0:
                    return -1
                added += int(found)
            return added

        children = 0
        with ThreadPoolExecutor(len(coders)) as pool:
            for stage in range(8):
                logits = np.zeros((len(networks), level.size), np.int32)
                for network, column, row in zip(networks, widths[:-1], logits, strict=True):
                    row[:] = network.logits(stage, known, level.neighbours, activations, column)
                surprise = np.zeros((len(logits), level.size + 1), np.int8)
                errors = np.zeros(level.size + 1, np.int32)
                added = [run(0)] if len(coders) == 1 else list(pool.map(run, range(len(coders))))
                children += sum(added)
                if min(added) < 0 or children > limit:
                    return -1
        occupancy[:] = known
        for network in networks:
            network.finish(known)
        return children

    def _networks_of(self, level: Level) -> list[IntegerNetwork]:
        """The networks that code a level: none from where a scattered cloud's nodes hardly branch any more, which they
        know no better than the surface does."""
        if self._surface and level.size > _ALONE_FROM and 100 * level.size < _ALONE_HUNDREDTHS * self._previous:
            self._networks = []
        self._previous = level.size
        return self._networks

    def _runs(
        self, networks: list[IntegerNetwork], stage: int, known: NDArray[np.uint8], level: Level, first: int, last: int
    ) -> Iterator[tuple[int, int, tuple[Head, ...]]]:
        """Nodes `first` to `last` - 1 in runs with the networks' heads: one, or where a network is causal as many as
        the memory for its sums asks for, those of the next run being made while a run is coded."""
        step = _SUMS_NODES if any(network.causal for network in networks) else last - first
        parts = [(a, min(a + step, last)) for a in range(first, last, max(step, 1))]
        if len(parts) < 2:
            yield from ((*part, _heads(networks, stage, known, level, *part)) for part in parts)
            return
        with ThreadPoolExecutor(1) as ahead:
            coming = ahead.submit(_heads, networks, stage, known, level, *parts[0])
            for part, following in zip(parts, [*parts[1:], None], strict=True):
                heads = coming.result()
                if following:
                    coming = ahead.submit(_heads, networks, stage, known, level, *following)
                yield *part, heads


def _heads(
    networks: list[IntegerNetwork], stage: int, known: NDArray[np.uint8], level: Level, first: int, last: int
) -> tuple[Head, ...]:
    heads = [network.head(stage, known, level.neighbours, first, last) for network in networks]
    return (*heads, *[no_head(np.float32)] * (MAX_NETWORKS - len(heads)))
