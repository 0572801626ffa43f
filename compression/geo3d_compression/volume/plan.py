"""How a volume is best coded, by coding a part of it in each way that could pay.

form    floats as ordered patterns, or predicted by value (see `values`)
bricks  bricks of one value are told apart, and values that very many of the other voxels have are coded before the
        rest: truncated and unobserved distances of a signed distance field, background
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d_compression.volume.alphabet import Values, by_value
from geo3d_compression.volume.bricks import BRICK, find_bricks, pack_bricks
from geo3d_compression.volume.model import NO_SPIKES
from geo3d_compression.volume.profiles import PROFILES
from geo3d_compression.volume.spikes import MOST_SPIKES
from geo3d_compression.volume.stream import encode_group

# Bricks are thought of when at least this share holds one value each, spikes when this share of the others' voxels do.
_LEAST_FILLED = 0.25
_LEAST_SPIKE = 0.02
# Side of the part that is coded on trial.
_WINDOW = 96
# -0.0 as `patterns` orders it: by value it would be 0.0.
_MINUS_ZERO = -1


@dataclass(frozen=True, eq=False)
class Plan:
    """values as ranks; whether bricks are told apart; the ranks that are coded as spikes."""

    values: Values
    bricks: bool
    spikes: NDArray[np.int64]


def make_plan(
    take: Callable[[int, int], NDArray[np.int64]],
    shape: tuple[int, int, int],
    values: Values,
    dtype: np.dtype[Any],
) -> Plan:
    """Choose for a volume of `shape`, of whose slices `take(first, last)` gives the integers.

    The part on trial is the busiest of the volume; what holds for it holds for the mixed bricks elsewhere.
    """
    real = by_value(values, dtype)
    layers, exact = [], True
    for first in range(0, shape[0], BRICK):
        layer = take(first, min(first + BRICK, shape[0]))
        exact = exact and not (real is not None and (layer == _MINUS_ZERO).any())
        layers.append(find_bricks([layer], values)[0])
    known = np.stack(layers)
    mixed = known < 0
    apart = bool(mixed.mean() <= 1 - _LEAST_FILLED and mixed.any() and min(shape) >= BRICK)
    plans = [Plan(values, False, NO_SPIKES)]
    if real is not None and exact:
        plans.append(Plan(real, False, NO_SPIKES))
    if len(plans) == 1 and not apart:
        return plans[0]
    z, y, x = _busiest(mixed)
    part = take(BRICK * z, min(BRICK * z + BRICK, shape[0]))[:, BRICK * y :, BRICK * x :][:, :_WINDOW, :_WINDOW]
    side = _WINDOW // BRICK
    around = known[z : z + 1, y : y + side, x : x + side]
    mask = 0.0
    if apart:
        spikes = _spikes(values.ranks(part), around)
        plans += [replace(plan, bricks=True, spikes=spikes) for plan in plans]
        mask = len(pack_bricks(known, 0)) * (around < 0).sum() / mixed.sum()

    def cost(plan: Plan) -> float:
        ranks, alphabet = plan.values.ranks(part), plan.values.alphabet()
        if not plan.bricks:
            return len(encode_group(ranks, alphabet, PROFILES["fast"]))
        return len(encode_group(ranks, alphabet, PROFILES["fast"], around, plan.spikes)) + mask

    return min(plans, key=cost)


def _busiest(mixed: NDArray[np.bool_]) -> tuple[int, int, int]:
    """First brick of the window with most mixed bricks."""
    side = _WINDOW // BRICK
    sums = np.pad(mixed, ((0, 0), (1, 0), (1, 0))).cumsum(1).cumsum(2)
    rows, columns = (min(side, n) for n in mixed.shape[1:])
    strips = sums[:, rows:] - sums[:, :-rows]
    boxes = strips[:, :, columns:] - strips[:, :, :-columns]
    z, y, x = np.unravel_index(int(boxes.argmax()), boxes.shape)
    return int(z), int(y), int(x)


def _spikes(ranks: NDArray[np.int64], known: NDArray[np.int64]) -> NDArray[np.int64]:
    """The values that most often stand in mixed bricks."""
    S, H, W = ranks.shape
    mixed = np.kron(known < 0, np.ones((BRICK, BRICK, BRICK), bool))[:S, :H, :W]
    found, counts = np.unique(ranks[mixed], return_counts=True)
    order = np.argsort(-counts, kind="stable")[:MOST_SPIKES]
    return found[order[counts[order] >= _LEAST_SPIKE * mixed.sum()]].astype(np.int64)
