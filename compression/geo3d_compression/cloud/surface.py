"""Lossy geometry of a tile: the cells of a coarser lattice without loss, and how many voxels to put back into them.

voxels -> cells -> octree chunks                        (encoder)
             cells -> learned surface -> voxels         (both: attributes follow the decoded voxels)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import BitstreamError, Geo3DError
from geo3d.ops.morton import BITS, morton_decode, morton_encode
from geo3d_compression import octree
from geo3d_compression.cloud.options import Profile
from geo3d_compression.upsample.classes import density_class
from geo3d_compression.upsample.lattice import MAX_SCALE, UNIT, coarse_depth, coarsen, widest
from geo3d_compression.upsample.surface import MAX_JUDGED, Surface

# Points of a cell two voxels wide, from which on a cloud counts as a surface whose voxels are predictable.
_DENSE = 2.0
# Numbers of voxels that are tried, as a part of those that there were.
_STEP, _MOST_STEPS = 0.1, 5
# The trials and the reported distortion look at this many points a tile and direction.
_SAMPLE = 40_000


def scale_of_quality(quality: float) -> int:
    """Edge of a cell in sixteenths of a voxel: 1 voxel at 100, doubling every 30 below, 10 at 0."""
    return min(MAX_SCALE, round(UNIT * 2 ** ((100 - quality) / 30)))


def is_dense(indices: NDArray[np.int64]) -> bool:
    """Whether cells of 2 x 2 x 2 voxels hold two or more in the mean: a surface can be told from them."""
    low, high = indices.min(axis=0), indices.max(axis=0)
    # Python integers: the span of int64 values may not fit one.
    if max(int(b) - int(a) for a, b in zip(low, high, strict=True)) >= 1 << BITS:
        return False
    codes = np.sort(morton_encode(indices - low))
    voxels = 1 + np.count_nonzero(np.diff(codes))
    return bool(voxels >= _DENSE * (1 + np.count_nonzero(np.diff(codes >> 3))))


@dataclass(frozen=True, eq=False)
class CodedSurface:
    """What a tile's voxels became: octree chunks, what the header says of them, and the decoded voxels' codes.

    error  mean squared distance in cells of the grid, the larger of both directions
    """

    chunks: list[bytes]
    cells: int
    density: int
    codes: NDArray[np.int64]
    error: float


def encode_surface(
    codes: NDArray[np.int64], depth: int, scale: int, profile: Profile, sensor: NDArray[np.float64], threads: int
) -> CodedSurface:
    """Code sorted unique Morton codes of voxels in a cube of 2^depth; `sensor` in voxels from the cube's corner."""
    voxels = morton_decode(codes)
    cells = np.unique(morton_encode(coarsen(voxels, scale)))
    if len(cells) * widest(scale) ** 3 > MAX_JUDGED:
        raise Geo3DError(
            f"{len(codes)} scattered points leave {len(cells)} cells, too many for a surface; choose a higher "
            "--quality, or --geometry exact"
        )
    chunks = octree.encode(
        morton_decode(cells), coarse_depth(depth, scale), profile, (sensor + 0.5) * UNIT / scale - 0.5
    )
    density = density_class(len(codes), len(cells), scale)
    surface = Surface(cells, coarse_depth(depth, scale), scale, density, depth, threads)
    decoded, error = _best_count(surface, voxels, len(cells))
    return CodedSurface(chunks, len(cells), density, decoded, error)


def decode_surface(
    chunks: list[bytes], depth: int, scale: int, cells: int, density: int, count: int, threads: int
) -> NDArray[np.int64]:
    """Sorted Morton codes [count] of the voxels that `encode_surface` chose."""
    if cells * widest(scale) ** 3 > MAX_JUDGED:
        raise BitstreamError(f"a tile announces {cells} cells of {scale}/16 voxels, more than a decoder judges")
    nodes = octree.decode(chunks, coarse_depth(depth, scale))
    if len(nodes) != cells:
        raise BitstreamError(f"a tile of {cells} cells decoded to {len(nodes)}")
    if not len(nodes) or int(nodes.max()) > (UNIT * ((1 << depth) - 1) + UNIT // 2) // scale:
        raise BitstreamError("the cells of a tile lie outside of it")
    return Surface(morton_encode(nodes), coarse_depth(depth, scale), scale, density, depth, threads).voxels(count)


def _best_count(surface: Surface, voxels: NDArray[np.int64], cells: int) -> tuple[NDArray[np.int64], float]:
    """The voxels of the number that lies nearest to the truth in both directions, and their error.

    More voxels bring the nearest one closer to every true point and put more of them where there was none.
    """
    from scipy.spatial import cKDTree

    tree = cKDTree(voxels)
    probes = voxels[:: max(1, len(voxels) // _SAMPLE)]

    def trial(step: int) -> tuple[float, float, NDArray[np.int64]]:
        count = min(max(round(len(voxels) * (1 + _STEP * step)), cells), surface.judged)
        codes = surface.voxels(count)
        decoded = morton_decode(codes)
        there = tree.query(decoded[:: max(1, len(decoded) // _SAMPLE)])[0]
        back = cKDTree(decoded).query(probes)[0]
        return float((there**2).mean()), float((back**2).mean()), codes

    best = trial(0)
    direction = 1 if best[1] > best[0] else -1
    for step in range(1, _MOST_STEPS + 1):
        other = trial(direction * step)
        if max(other[:2]) >= max(best[:2]):
            break
        best = other
    return best[2], max(best[:2])
