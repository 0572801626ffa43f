"""Exact geometry of a tile: an octree, or the picture of a depth frame where voxels show a camera's pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from geo3d.ops.morton import morton_decode
from geo3d_compression import octree, pinhole
from geo3d_compression.octree.choice import is_closed

# An octree of a frame that shows its pixels takes two bits a voxel and more: below, none is tried.
_SMALL = 1.5
_ROUNDED = 0.1


def encode_geometry(
    codes: NDArray[np.int64], depth: int, profile: octree.Profile, origin: NDArray[np.float64]
) -> list[bytes]:
    """Chunks of sorted unique Morton codes in a cube of 2^depth; `origin`: see `octree.encode`."""
    voxels = morton_decode(codes)
    parents = octree.count_parents(codes)
    sensor = octree.find_sensor(voxels, parents, origin)
    camera = sensor.camera()
    frame = None
    if camera is not None and not is_closed(len(codes), parents):
        # What a stream says of the place is rounded.
        if np.abs(camera.position - origin).max() < _ROUNDED:
            camera = camera._replace(position=origin)
        frame = pinhole.encode(voxels, depth, profile, camera)
        if frame is not None and 8 * _size(frame) < _SMALL * len(codes):
            return frame
    tree = octree.encode(voxels, depth, profile, sensor=sensor)
    return frame if frame is not None and _size(frame) < _size(tree) else tree


def decode_geometry(chunks: Sequence[bytes], depth: int, level: int) -> NDArray[np.int64]:
    """Voxels [M, 3] at `level`, in Morton order; coarser levels of an octree need its first chunks alone."""
    return (pinhole if pinhole.is_pinhole(chunks) else octree).decode(chunks, depth, level)


def _size(chunks: list[bytes]) -> int:
    return sum(len(c) for c in chunks)
