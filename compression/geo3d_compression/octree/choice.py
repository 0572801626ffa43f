"""Which of a profile's networks codes a cloud: one was trained on all kinds of clouds, one on closed surfaces."""

from __future__ import annotations

from geo3d_compression.octree.stage import SPINNING
from geo3d_compression.octree.weights import NETWORKS

GENERAL, DENSE = 0, 1

# Leaves a parent has where a surface leaves no holes on its grid, in tenths: a plane has 4 to 5, scans 1 to 2.5.
_DENSE_TENTHS = 28


def is_closed(leaves: int, parents: int) -> bool:
    """True if `leaves` voxels in `parents` nodes of the level above are surfaces without holes."""
    return 10 * leaves >= _DENSE_TENTHS * parents


def choose_network(profile: str, leaves: int, parents: int, sensor_mode: int) -> int:
    """Number of the network for a cloud of `leaves` voxels in `parents` nodes of the level above."""
    dense = sensor_mode != SPINNING and is_closed(leaves, parents)
    return DENSE if dense and len(NETWORKS[profile]) > DENSE else GENERAL
