"""Voxels from cells: as many as asked for, in every cell, and near to the surface that the cells came from."""

import numpy as np
import pytest
from geo3d_compression.octree.morton import morton_decode, morton_encode
from geo3d_compression.upsample.classes import density_class
from geo3d_compression.upsample.lattice import coarse_depth, coarsen
from geo3d_compression.upsample.surface import Surface
from scipy.spatial import cKDTree

from geo3d.errors import BitstreamError


def ball(radius: float = 50.0) -> np.ndarray:
    u = np.random.default_rng(0).normal(size=(200_000, 3))
    points = np.rint(u / np.linalg.norm(u, axis=1, keepdims=True) * radius + 60.2).astype(np.int64)
    return np.unique(points, axis=0)


VOXELS = ball()


def surface(scale: int, threads: int = 1) -> tuple[Surface, np.ndarray]:
    cells = np.unique(morton_encode(coarsen(VOXELS, scale)))
    density = density_class(len(VOXELS), len(cells), scale)
    return Surface(cells, coarse_depth(7, scale), scale, density, 7, threads), cells


@pytest.mark.parametrize("scale", [20, 32, 64, 100, 160])
def test_every_cell_keeps_a_voxel_and_the_count_is_met(scale: int) -> None:
    s, cells = surface(scale)
    for count in (len(cells), len(VOXELS), min(s.judged, len(VOXELS) + 999)):
        codes = s.voxels(max(count, len(cells)))
        assert len(codes) == max(count, len(cells))
        assert (np.diff(codes) > 0).all()
        assert np.array_equal(np.unique(morton_encode(coarsen(morton_decode(codes), scale))), cells)


@pytest.mark.parametrize(("scale", "factor"), [(32, 3.0), (64, 5.0)])
def test_the_surface_lies_nearer_than_the_cells_middles(scale: int, factor: float) -> None:
    s, cells = surface(scale)
    decoded = morton_decode(s.voxels(len(VOXELS)))
    middles = (morton_decode(cells) + 0.5) * scale / 16 - 0.5

    def error(points: np.ndarray) -> float:
        back = cKDTree(points).query(VOXELS)[0]
        there = cKDTree(VOXELS).query(points)[0]
        return max(float((back**2).mean()), float((there**2).mean()))

    assert error(decoded) * factor < error(middles)


def test_threads_do_not_move_a_voxel() -> None:
    assert np.array_equal(surface(48, 1)[0].voxels(len(VOXELS)), surface(48, 2)[0].voxels(len(VOXELS)))


def test_counts_that_do_not_fit_are_refused() -> None:
    s, cells = surface(32)
    with pytest.raises(BitstreamError, match="not"):
        s.voxels(len(cells) - 1)
    with pytest.raises(BitstreamError, match="not"):
        s.voxels(s.judged + 1)
    with pytest.raises(BitstreamError, match="at most"):
        Surface(np.arange(1 << 18), 6, 160, 5, 20)
