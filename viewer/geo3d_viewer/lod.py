"""A fair part of a large cloud."""

from __future__ import annotations

from geo3d.types import PointCloud

# Larger clouds are drawn from their octree.
LARGE_CLOUD = 100_000

# Points of a large cloud that stand for it before its octree is there, and, where a renderer is slow, while it is
# being turned: drawn wide they still close to a surface, and a software renderer draws them in a fifth of a second.
FIRST_POINTS = 25_000


def thinned_cloud(cloud: PointCloud, budget: int) -> PointCloud:
    """At most `budget` points of the cloud, evenly in file order, with their attributes."""
    return cloud if len(cloud) <= budget else cloud[:: -(-len(cloud) // budget)]
