"""Where the sensor stood, as far as the contexts use it: signalled in the stream, found by a rule in the encoder."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo3d.errors import BitstreamError, ShapeError
from geo3d_compression.octree.camera import Camera, find_camera
from geo3d_compression.octree.choice import is_closed, is_scattered
from geo3d_compression.octree.rings import NO_RINGS, Rings, find_rings, read_rings
from geo3d_compression.octree.scanner import find_scanner, unmoved
from geo3d_compression.octree.sensor_contexts import CAMERA_X, NO_SENSOR, SCATTERED, SENSOR_MODES, SPINNING
from geo3d_compression.octree.varint import read_varint, write_varint

# Positions are in eighths of a leaf cell.
SUBCELLS = 8
_LIMIT = 1 << 26
_SECTORS = 16

# Clouds that could be one turn of a scanner: points enough, and few of them in a cell of twice the size.
_SCAN_POINTS = 8000
_SPARSE = 2.2

# Modes without a place.
_NOWHERE = (NO_SENSOR, SCATTERED)


class Sensor(NamedTuple):
    """Kind (`sensor_contexts.SPINNING`, `CAMERA_X` ...), its position and motion a turn in eighths of a cell."""

    mode: int
    x: int = 0
    y: int = 0
    z: int = 0
    vx: int = 0
    vy: int = 0
    rings: Rings = NO_RINGS

    def camera(self) -> Camera | None:
        """The camera that it is, if it is one."""
        if self.mode < CAMERA_X:
            return None
        axis, backwards = divmod(self.mode - CAMERA_X, 2)
        return Camera(axis, bool(backwards), np.array([self.x, self.y, self.z]) / SUBCELLS)

    def write(self) -> bytes:
        """As in the header of a stream."""
        if self.mode in _NOWHERE:
            return bytes([self.mode])
        numbers = self[1:6] if self.mode == SPINNING else self[1:4]
        place = b"".join(write_varint(p << 1 if p >= 0 else (-p << 1) - 1) for p in numbers)
        return bytes([self.mode]) + place + (self.rings.write() if self.mode == SPINNING else b"")


def read_sensor(data: bytes, position: int, scattered: bool = True) -> tuple[Sensor, int]:
    """The sensor written at `position`, and the position after it.

    Without `scattered`, as before that mode was there: those after it were one less.
    """
    mode = data[position] if position < len(data) else SENSOR_MODES
    if not scattered and mode >= SCATTERED:
        mode += 1
    if mode >= SENSOR_MODES:
        raise BitstreamError("octree header has no valid sensor")
    position += 1
    if mode in _NOWHERE:
        return Sensor(mode), position
    place = []
    for _ in range(5 if mode == SPINNING else 3):
        value, position = read_varint(data, position)
        place.append(value >> 1 if not value & 1 else -((value + 1) >> 1))
        if abs(place[-1]) > _LIMIT:
            raise BitstreamError(f"octree header puts the sensor at {place[-1]}, beyond {_LIMIT} eighths of a cell")
    rings = NO_RINGS
    if mode == SPINNING:
        rings, position = read_rings(data, position)
    place += [0] * (5 - len(place))
    return Sensor(mode, place[0], place[1], place[2], place[3], place[4], rings), position


def find_sensor(voxels: NDArray[np.integer], parents: int, origin: ArrayLike | None) -> Sensor:
    """The kind of sensor that could have seen `voxels` [N, 3], Morton order, in `parents` cells of twice the size.

    A camera at `origin` (in cells) sees all points within 50 degrees of one axis; elsewhere it is looked for.  A
    spinning scanner is looked for in sparse clouds, at `origin` first, then anywhere.
    """
    none = Sensor(SCATTERED if is_scattered(len(voxels), parents) else NO_SENSOR)
    place = None if origin is None else np.asarray(origin, np.float64)
    if place is not None and (place.shape != (3,) or not np.isfinite(place).all()):
        raise ShapeError(f"sensor origin must be three finite numbers in cells, got {origin!r}")
    if len(voxels) == 0:
        return none
    if place is not None and (np.abs(place) * SUBCELLS < _LIMIT).all():
        seen = voxels - place
        for axis in range(3):
            others = np.abs(np.delete(seen, axis, axis=1))
            for backwards in (False, True):
                along = -seen[:, axis] if backwards else seen[:, axis]
                if (along > 0).all() and (others < 1.2 * along[:, None]).all():
                    return Sensor(CAMERA_X + 2 * axis + backwards, *_eighths(place))
    if len(voxels) < _SCAN_POINTS:
        return none
    closed = is_closed(len(voxels), parents)
    if place is not None and (closed or not _surrounds(voxels, place)):
        place = None
    if place is None:
        camera = find_camera(voxels, closed)
        if camera is not None and (np.abs(camera.position) * SUBCELLS < _LIMIT).all():
            return Sensor(CAMERA_X + 2 * camera.axis + camera.is_backwards, *_eighths(camera.position))
    if len(voxels) > _SPARSE * parents:
        return none
    scanner = find_scanner(voxels, place)
    if scanner is not None:
        position, motion = np.round(scanner.position * SUBCELLS), np.round(scanner.motion * SUBCELLS)
        # From here on with what the decoder knows.
        rings = find_rings(unmoved(voxels - position / SUBCELLS, motion / SUBCELLS))
        return Sensor(SPINNING, *_eighths(scanner.position), int(motion[0]), int(motion[1]), rings)
    if place is not None:
        return Sensor(SPINNING, *_eighths(place), 0, 0, find_rings(voxels - place))
    return none


def _eighths(place: NDArray[np.float64]) -> tuple[int, int, int]:
    x, y, z = (int(p) for p in np.round(place * SUBCELLS))
    return x, y, z


def _surrounds(voxels: NDArray[np.integer], place: NDArray[np.float64]) -> bool:
    if (np.abs(place) * SUBCELLS > _LIMIT).any():
        return False
    sector = (np.arctan2(voxels[:, 1] - place[1], voxels[:, 0] - place[0]) / (2 * np.pi) + 0.5) * (_SECTORS - 1e-9)
    return len(np.unique(np.floor(sector))) >= _SECTORS - 3
