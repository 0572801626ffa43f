"""Attribute values in two groups, so that a coarse level reads a small part of them."""

from __future__ import annotations

from geo3d_compression.attributes.order import CodingOrder

# The coarse group ends two levels above the finest; small clouds are not worth a second chunk.
LEVELS_BELOW = 2
_LEAST_COARSE = 2048


def groups_of(order: CodingOrder) -> int:
    """1 or 2."""
    depth = len(order.starts) - 3
    return 2 if depth > LEVELS_BELOW and order.starts[depth - 1] >= _LEAST_COARSE else 1


def level_cuts(order: CodingOrder, groups: int, missing: int = 0) -> list[int]:
    """Ends of the groups as coding positions, for an order that lacks the `missing` finest levels of its tile."""
    depth = len(order.starts) - 3
    total = int(order.starts[-1])
    if groups == 1 or missing >= LEVELS_BELOW:
        return [total]
    return [int(order.starts[depth + missing - LEVELS_BELOW + 1]), total]
