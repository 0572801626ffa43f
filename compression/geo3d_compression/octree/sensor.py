"""Where the sensor stood, as far as the contexts use it: signalled in the stream, found by a rule in the encoder."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo3d.errors import BitstreamError, ShapeError
from geo3d_compression.octree.rings import NO_RINGS, Rings, find_rings, read_rings
from geo3d_compression.octree.stage import CAMERA_X, NO_SENSOR, SENSOR_MODES, SPINNING
from geo3d_compression.octree.varint import read_varint, write_varint

# Positions are in eighths of a leaf cell.
SUBCELLS = 8
_LIMIT = 1 << 26
_SECTORS = 16


class Sensor(NamedTuple):
    """Kind of sensor (`stage.SPINNING`, `stage.CAMERA_X` ...) and its position in eighths of a cell."""

    mode: int
    x: int
    y: int
    z: int
    rings: Rings = NO_RINGS

    def write(self) -> bytes:
        """As in the header of a stream."""
        if self.mode == NO_SENSOR:
            return bytes([NO_SENSOR])
        place = b"".join(write_varint(p << 1 if p >= 0 else (-p << 1) - 1) for p in (self.x, self.y, self.z))
        return bytes([self.mode]) + place + (self.rings.write() if self.mode == SPINNING else b"")


def read_sensor(data: bytes, position: int) -> tuple[Sensor, int]:
    """The sensor written at `position`, and the position after it."""
    if position >= len(data) or data[position] >= SENSOR_MODES:
        raise BitstreamError("octree header has no valid sensor")
    mode = data[position]
    position += 1
    if mode == NO_SENSOR:
        return Sensor(NO_SENSOR, 0, 0, 0), position
    place = []
    for _ in range(3):
        value, position = read_varint(data, position)
        place.append(value >> 1 if not value & 1 else -((value + 1) >> 1))
        if abs(place[-1]) > _LIMIT:
            raise BitstreamError(f"octree header puts the sensor at {place[-1]}, beyond {_LIMIT} eighths of a cell")
    rings = NO_RINGS
    if mode == SPINNING:
        rings, position = read_rings(data, position)
    return Sensor(mode, place[0], place[1], place[2], rings), position


def find_sensor(voxels: NDArray[np.integer], origin: ArrayLike | None) -> Sensor:
    """The kind of sensor at `origin` (in cells) that could have seen `voxels` [N, 3]; none if `origin` is None.

    A camera sees all points within 50 degrees of one axis; a spinning scanner has points all around it.
    """
    none = Sensor(NO_SENSOR, 0, 0, 0)
    if origin is None or len(voxels) == 0:
        return none
    place = np.asarray(origin, np.float64)
    if place.shape != (3,) or not np.isfinite(place).all():
        raise ShapeError(f"sensor origin must be three finite numbers in cells, got {origin!r}")
    if (np.abs(place) * SUBCELLS > _LIMIT).any():
        return none
    x, y, z = (int(p) for p in np.round(place * SUBCELLS))
    seen = voxels - place
    for axis in range(3):
        others = np.abs(np.delete(seen, axis, axis=1))
        for backwards in (False, True):
            along = -seen[:, axis] if backwards else seen[:, axis]
            if (along > 0).all() and (others < 1.2 * along[:, None]).all():
                return Sensor(CAMERA_X + 2 * axis + backwards, x, y, z)
    sector = np.floor((np.arctan2(seen[:, 1], seen[:, 0]) / (2 * np.pi) + 0.5) * (_SECTORS - 1e-9))
    if len(np.unique(sector)) >= _SECTORS - 3:
        return Sensor(SPINNING, x, y, z, find_rings(seen))
    return none
