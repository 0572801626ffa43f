"""A camera's frame turned so that its optical axis comes first: octants near the camera are coded before those behind.

What is behind a voxel that a ray has met is mostly empty, and of a parent's two voxels on a ray the nearer one says
most about the other.  Rows come second, columns last.  Measured on frames of two sensors: 1.4 to 1.9 % fewer bytes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo3d_compression.octree.morton import morton_decode, morton_encode
from geo3d_compression.octree.sensor import SUBCELLS, Sensor
from geo3d_compression.octree.sensor_contexts import CAMERA_X

# As they are; else 1 + 2 * optical axis + whether it looks towards lower coordinates.
UNTURNED, VIEWS = 0, 7


def view_of(sensor: Sensor) -> int:
    """The view that voxels seen by `sensor` are coded in."""
    return UNTURNED if sensor.mode < CAMERA_X else 1 + sensor.mode - CAMERA_X


def turn(codes: NDArray[np.int64], depth: int, view: int) -> NDArray[np.int64]:
    """Sorted Morton codes of the voxels in a cube of 2^depth as `view` has them."""
    if view == UNTURNED:
        return codes
    order, mirrored = _axes(view)
    voxels = morton_decode(codes)[:, order]
    return np.sort(morton_encode(np.where(mirrored, (1 << depth) - 1 - voxels, voxels)))


def turn_back(voxels: NDArray[np.int64], depth: int, view: int) -> NDArray[np.int64]:
    """The voxels in Morton order, from those that `view` has."""
    if view == UNTURNED:
        return voxels
    order, mirrored = _axes(view)
    result = np.empty_like(voxels)
    result[:, order] = np.where(mirrored, (1 << depth) - 1 - voxels, voxels)
    return morton_decode(np.sort(morton_encode(result)))


def turn_sensor(sensor: Sensor, depth: int, view: int) -> Sensor:
    """The sensor as `view` has it."""
    if view == UNTURNED:
        return sensor
    order, mirrored = _axes(view)
    place = np.array([sensor.x, sensor.y, sensor.z])[order]
    x, y, z = (int(p) for p in np.where(mirrored, SUBCELLS * ((1 << depth) - 1) - place, place))
    return Sensor(CAMERA_X, x, y, z)


def _axes(view: int) -> tuple[list[int], NDArray[np.bool_]]:
    """The axes in their new order, and which ones are mirrored."""
    axis, backwards = divmod(view - 1, 2)
    first, second = (k for k in range(3) if k != axis)
    return [axis, second, first], np.array([bool(backwards), True, False])
