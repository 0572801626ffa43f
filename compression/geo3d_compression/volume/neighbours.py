"""Causal neighbourhoods of a voxel: offsets (slices back, dy, dx), nearest first, west neighbour in front."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Planes are padded by this many voxels on each side; no offset reaches farther.
PAD = 4

Offset = tuple[int, int, int]


def causal_ball(within: int, previous: int, before: int) -> tuple[Offset, ...]:
    """Offsets whose squared in-plane distance is at most `within` in this slice (causal half), `previous` one slice
    back and `before` two slices back (whole discs; -1: none); cut to a multiple of four for the dot product."""
    square = [(dy, dx) for dy in range(-PAD, PAD + 1) for dx in range(-PAD, PAD + 1)]
    found = [(0, dy, dx) for dy, dx in square if (dy, dx) < (0, 0) and dy * dy + dx * dx <= within]
    found += [(1, dy, dx) for dy, dx in square if dy * dy + dx * dx <= previous]
    found += [(2, dy, dx) for dy, dx in square if dy * dy + dx * dx <= before]
    found.sort(key=lambda o: (2 * (o[1] ** 2 + o[2] ** 2) + 3 * o[0], o))
    found.remove((0, 0, -1))
    found.insert(0, (0, 0, -1))
    return tuple(found[: len(found) // 4 * 4])


def linear_offsets(
    neighbourhoods: tuple[tuple[Offset, ...], ...], row_stride: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """(counts [K], slices back [K, N], distance in a flattened plane [K, N]) of K neighbourhoods, zero-filled."""
    counts = np.array([len(n) for n in neighbourhoods], np.int64)
    back = np.zeros((len(counts), int(counts.max())), np.int64)
    distance = np.zeros_like(back)
    for k, offsets in enumerate(neighbourhoods):
        for i, (dz, dy, dx) in enumerate(offsets):
            back[k, i], distance[k, i] = dz, dy * row_stride + dx
    return counts, back, distance
