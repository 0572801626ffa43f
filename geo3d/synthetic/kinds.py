"""Rooms that are hard to tell apart from themselves: rows of like desks, two like halves, corridors, bare rooms.

Copies carry their texture with them, so that a wrong pose onto a copy looks as right as it would in a real office.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from geo3d.synthetic.room import Part, Room, box, furniture, joined, random_room, shell, texture, turned
from geo3d.types import TriangleMesh

Images = Sequence[NDArray[np.uint8]]


class Builder:
    """Collects parts; a copy takes its original's texture along."""

    def __init__(self, rng: np.random.Generator, images: Images) -> None:
        self.rng, self.images = rng, images
        self.parts: list[Part] = []
        self.textures: list[NDArray[np.uint8]] = []
        self.metres: list[float] = []
        self.frames: list[NDArray[np.float64]] = []

    def add(self, parts: Sequence[Part]) -> None:
        for part in parts:
            self._append(
                part, texture(self.rng, self.images), float(self.rng.uniform(0.6, 2.0)), np.array([0, 0, 0, 1.0])
            )

    def copy(self, index: int, move: NDArray[np.float64], half_turn: bool) -> None:
        """Repeat a part, moved by `move` after a half turn about z if asked."""
        sign = -1.0 if half_turn else 1.0
        turn = np.array([sign, sign, 1.0])
        vertices, faces = self.parts[index]
        frame = self.frames[index]
        start = np.array([*(frame[:3] * turn + move), frame[3] * sign])
        self._append((vertices * turn + move, faces), self.textures[index], self.metres[index], start)

    def _append(self, part: Part, image: NDArray[np.uint8], metres: float, frame: NDArray[np.float64]) -> None:
        self.parts.append(part)
        self.textures.append(image)
        self.metres.append(metres)
        self.frames.append(frame)

    def room(self, size: NDArray[np.float64]) -> Room:
        return joined(self.parts, np.stack(self.textures), np.array(self.metres), size, np.stack(self.frames))


def repeated_room(seed: int, images: Images = ()) -> Room:
    """An office: one or two groups of furniture repeated in rows, every other one turned, few things of their own."""
    rng = np.random.default_rng(seed)
    size = np.array([rng.uniform(5, 9), rng.uniform(4, 7), rng.uniform(2.4, 3.0)])
    build = Builder(rng, images)
    build.add(shell(size))
    pitch = rng.uniform(1.4, 2.2, 2)
    cell = np.array([0.9, 0.9, size[2]])
    groups = []
    for _ in range(int(rng.integers(1, 3))):
        first = len(build.parts)
        build.add([part for _ in range(int(rng.integers(2, 5))) for part in furniture(rng, cell)])
        groups.append(range(first, len(build.parts)))
    corner = np.array([0.6, 0.6, 0.0])
    turning = rng.uniform() < 0.5
    for i in range(int((size[0] - 1.2) // pitch[0]) + 1):
        for j in range(int((size[1] - 1.2) // pitch[1]) + 1):
            half = bool(turning and (i + j) % 2)
            move = corner + np.array([i * pitch[0], j * pitch[1], 0.0]) + (np.array([0.9, 0.9, 0]) if half else 0)
            for index in groups[(i + j) % len(groups)]:
                build.copy(index, move, half)
    build.add([part for _ in range(int(rng.integers(0, 8))) for part in furniture(rng, size)])
    return build.room(size)


def symmetric_room(seed: int, images: Images = ()) -> Room:
    """A room whose halves are the same after half a turn about its middle, but for up to four pieces."""
    rng = np.random.default_rng(seed)
    size = np.array([rng.uniform(3.5, 7), rng.uniform(3.5, 7), rng.uniform(2.3, 3.0)])
    build = Builder(rng, images)
    walls = shell(size)
    middle = np.array([size[0], size[1], 0.0])
    for first in (0, 2):  # opposite walls share their texture
        build.add([walls[first]])
        build.copy(len(build.parts) - 1, middle, True)
    build.add(walls[4:])
    first = len(build.parts)
    half = size * [0.5, 1.0, 1.0]
    build.add([part for _ in range(int(rng.integers(4, 10))) for part in furniture(rng, half)])
    for index in range(first, len(build.parts)):
        build.copy(index, middle, True)
    build.add([part for _ in range(int(rng.integers(0, 5))) for part in furniture(rng, size)])
    return build.room(size)


def corridor(seed: int, images: Images = ()) -> Room:
    """A long, narrow room with like doors at even distances and a few things along the walls."""
    rng = np.random.default_rng(seed)
    size = np.array([rng.uniform(1.9, 2.8), rng.uniform(7, 13), rng.uniform(2.3, 2.8)])
    build = Builder(rng, images)
    build.add(shell(size))
    pitch, width, height = rng.uniform(1.5, 3.0), rng.uniform(0.8, 1.0), rng.uniform(1.95, 2.1)
    door = box(np.array([0.0, pitch / 2, height / 2]), np.array([rng.uniform(0.04, 0.2), width, height]), 0.0)
    first = len(build.parts)
    build.add([door])
    for k in range(1, int((size[1] - width) / pitch)):
        build.copy(first, np.array([0.0, k * pitch, 0.0]), False)
    if rng.uniform() < 0.7:
        for k in range(1, int((size[1] - width) / pitch)):
            build.copy(first, np.array([size[0], (k + 1) * pitch, 0.0]), True)
    for _ in range(int(rng.integers(1, 7))):
        side = float(rng.choice([0.15, size[0] - 0.15]))
        at = np.array([side, rng.uniform(0.5, size[1] - 0.5), 0.0])
        extent = rng.uniform([0.15, 0.2, 0.3], [0.3, 0.9, 1.6])
        vertices, faces = box(np.array([0, 0, extent[2] / 2]), extent, 0.0)
        build.add([(turned(vertices, rng.normal() * 0.05) + at, faces)])
    return build.room(size)


def bare_room(seed: int, images: Images = ()) -> Room:
    """A room of nearly one colour: geometry must lead."""
    room = random_room(seed, images=images)
    rng = np.random.default_rng(seed + 1)
    mean = room.textures.mean(axis=(1, 2), keepdims=True)
    contrast = rng.uniform(0.0, 0.25)
    textures = mean + (room.textures - mean) * contrast
    return Room(room.mesh, room.texture_of_face, textures.clip(0, 255).astype(np.uint8), room.texture_metres, room.size)


def any_room(seed: int, images: Images = (), shapes: Sequence[TriangleMesh] = ()) -> Room:
    """One of all kinds of rooms, half of them ordinary; `shapes` stand in ordinary ones."""
    kinds: list[Callable[[int, Images], Room]] = [repeated_room, symmetric_room, corridor, bare_room]
    kind = seed % 8
    if kind < 4:
        return random_room(seed, shapes=shapes, images=images)
    return kinds[kind - 4](seed, images)


def repeats(seed: int) -> bool:
    """Does `any_room` of a seed hold copies of the same things?"""
    return seed % 8 in (4, 5, 6)
