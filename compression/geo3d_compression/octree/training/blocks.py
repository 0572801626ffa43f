"""Blocks of voxels as training samples, stored as octree occupancy bytes; numpy alone."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo3d_compression.octree.morton import morton_decode, morton_encode


class Blocks(NamedTuple):
    """Occupancy bytes of many blocks, breadth first, one after the other."""

    data: NDArray[np.uint8]
    starts: NDArray[np.int64]  # [B + 1]
    depths: NDArray[np.uint8]  # [B]
    kinds: NDArray[np.uint8]  # [B], index into KINDS


KINDS = ("surface", "depth", "lidar", "human", "fusion")


def cut(voxels: NDArray[np.int64], depth: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """The voxels in a window of 2^depth cells around a random one of them, window corner at zero."""
    size = 1 << depth
    corner = voxels[rng.integers(len(voxels))] - rng.integers(size // 4, 3 * size // 4, 3)
    inside = ((voxels >= corner) & (voxels < corner + size)).all(1)
    return voxels[inside] - corner


def to_bytes(voxels: NDArray[np.int64], depth: int) -> NDArray[np.uint8]:
    """Occupancy bytes of levels 0 .. depth - 1, concatenated."""
    codes = np.sort(morton_encode(voxels))
    levels = []
    for _ in range(depth):
        parents = codes >> 3
        starts = np.flatnonzero(np.concatenate([[True], parents[1:] != parents[:-1]]))
        levels.append(np.bitwise_or.reduceat(np.left_shift(1, codes & 7).astype(np.uint8), starts))
        codes = parents[starts]
    return np.concatenate(levels[::-1])


def from_bytes(data: NDArray[np.uint8], depth: int) -> NDArray[np.int64]:
    """Voxels [N, 3] of `to_bytes`."""
    codes = np.zeros(1, np.int64)
    position = 0
    for _ in range(depth):
        bits = np.unpackbits(data[position : position + len(codes)], bitorder="little").reshape(-1, 8)
        position += len(codes)
        row, octant = np.nonzero(bits)
        codes = codes[row] * 8 + octant
    return morton_decode(codes)


def joined(parts: list[Blocks]) -> Blocks:
    """The blocks of several sets as one."""
    ends = np.cumsum([0, *(int(p.starts[-1]) for p in parts)])
    return Blocks(
        np.concatenate([p.data for p in parts]),
        np.concatenate([[0], *(p.starts[1:] + e for p, e in zip(parts, ends[:-1], strict=True))]),
        np.concatenate([p.depths for p in parts]),
        np.concatenate([p.kinds for p in parts]),
    )


def save(path: Path, samples: list[tuple[NDArray[np.uint8], int, int]]) -> None:
    """Write samples (bytes, depth, kind) as safetensors."""
    from safetensors.numpy import save_file

    tensors = {
        "data": np.concatenate([s[0] for s in samples]),
        "starts": np.cumsum([0] + [len(s[0]) for s in samples]).astype(np.int64),
        "depths": np.array([s[1] for s in samples], np.uint8),
        "kinds": np.array([s[2] for s in samples], np.uint8),
    }
    save_file(tensors, path)


def load(path: Path) -> Blocks:
    """Read what `save` wrote."""
    from safetensors.numpy import load_file

    return Blocks(**load_file(path))
