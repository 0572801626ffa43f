"""Which set of a profile's networks codes a cloud: the general one alone, or what was trained on surfaces."""

from __future__ import annotations

from geo3d_compression.octree.sensor_contexts import SPINNING

# `fast` takes one network, the general or that for closed surfaces; `best` the general one or both together.
GENERAL, SURFACES = 0, 1

# Leaves a parent has where a surface leaves no holes on its grid, in tenths: a plane has 4 to 5, scans 1 to 2.5.
_CLOSED_TENTHS = 28

# As many as that or fewer: points of a sampled surface, too far apart to be each other's neighbours.  Where they are
# more, the surface tells no more than the neighbours do.
_SCATTERED_TENTHS = 24


def is_closed(leaves: int, parents: int) -> bool:
    """True if `leaves` voxels in `parents` nodes of the level above are surfaces without holes."""
    return 10 * leaves >= _CLOSED_TENTHS * parents


def is_scattered(leaves: int, parents: int) -> bool:
    """True if `leaves` voxels in `parents` nodes of the level above lie too far apart to be each other's neighbours."""
    return 10 * leaves <= _SCATTERED_TENTHS * parents


def choose_networks(profile: str, leaves: int, parents: int, sensor_mode: int) -> int:
    """Number of the set for a cloud of `leaves` voxels in `parents` nodes of the level above."""
    if sensor_mode == SPINNING or leaves == 0:
        return GENERAL
    return SURFACES if profile == "best" or is_closed(leaves, parents) else GENERAL
