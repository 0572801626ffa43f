"""Level arrays against sets of coordinates."""

import numpy as np
from geo3d_compression.octree.levels import CENTRE, child_level, occupancy_of, root_level
from geo3d_compression.octree.morton import morton_encode


def test_levels_and_neighbours_match_brute_force() -> None:
    depth = 5
    voxels = np.unique(np.random.default_rng(0).integers(0, 32, (600, 3)) // [1, 1, 4], axis=0)
    codes = np.sort(morton_encode(voxels))
    level = root_level()
    for index, occupancy in enumerate(occupancy_of(codes, depth), start=1):
        parents = level
        level = child_level(level, occupancy)
        expected = np.unique(voxels >> (depth - index), axis=0)
        place = {tuple(c): i for i, c in enumerate(level.coords[:-1].tolist())}
        assert set(place) == set(map(tuple, expected.tolist()))
        assert (np.diff(morton_encode(level.coords[:-1])) > 0).all()
        for i, c in enumerate(level.coords[:-1].tolist()):
            for k in range(27):
                moved = (c[0] + k // 9 - 1, c[1] + k // 3 % 3 - 1, c[2] + k % 3 - 1)
                assert level.neighbours[i, k] == place.get(moved, level.size)
            np.testing.assert_array_equal(parents.coords[level.parent[i]], np.array(c) >> 1)
            assert level.octant[i] == (c[0] & 1) * 4 + (c[1] & 1) * 2 + (c[2] & 1)
        assert (level.neighbours[:-1, CENTRE] == np.arange(level.size)).all()
        assert (level.neighbours[-1] == level.size).all()
