"""Cells partition the voxels: each voxel lies in one cell, and is listed by that cell alone."""

import numpy as np
from geo3d_compression.upsample.lattice import (
    MAX_SCALE,
    PHASES,
    UNIT,
    coarse_depth,
    coarsen,
    phases,
    ranges,
    voxels_at,
    widest,
)
from hypothesis import given, settings
from hypothesis import strategies as st

GRID = np.stack(np.meshgrid(*[np.arange(16)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)


@given(st.integers(UNIT, MAX_SCALE))
@settings(max_examples=40, deadline=None)
def test_cells_list_every_voxel_of_a_cube_once(scale: int) -> None:
    owner = coarsen(GRID, scale)
    cells = np.unique(owner, axis=0)
    of = ranges(cells, scale, 4)
    every = voxels_at(*of, np.ones(of.starts[-1], np.bool_), int(of.starts[-1]))
    assert of.starts[-1] == len(GRID)
    assert np.array_equal(np.unique(every, axis=0), GRID)
    index, place = phases(cells, of, scale)
    assert np.array_equal(coarsen(every, scale), cells[index])
    assert place.max() < PHASES
    assert (of.last - of.first).max() <= widest(scale)
    assert cells.max() < 1 << coarse_depth(4, scale)


def test_powers_of_two_are_octree_levels() -> None:
    for k in range(4):
        assert np.array_equal(coarsen(GRID, UNIT << k), GRID >> k)
    assert [coarse_depth(9, UNIT << k) for k in range(4)] == [9, 8, 7, 6]


def test_places_are_those_of_the_voxel_centres() -> None:
    cells = np.array([[0, 0, 1]])
    of = ranges(cells, 2 * UNIT, 8)
    owner, place = phases(cells, of, 2 * UNIT)
    assert owner.tolist() == [0] * 8
    # Centres at a quarter and at three quarters of the cell.
    assert np.unique(place).tolist() == [4, 12]
    assert voxels_at(*of, np.ones(8, np.bool_), 8)[0].tolist() == [0, 0, 2]


def test_marked_voxels_are_found() -> None:
    cells = np.array([[0, 1, 0], [2, 2, 1]])
    of = ranges(cells, 40, 8)
    every = voxels_at(*of, np.ones(of.starts[-1], np.bool_), int(of.starts[-1]))
    marked = np.arange(of.starts[-1]) % 3 == 0
    assert np.array_equal(voxels_at(*of, marked, int(marked.sum())), every[marked])
