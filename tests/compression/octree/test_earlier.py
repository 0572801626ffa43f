"""Earlier nodes: as two steps through a dictionary of cells find them."""

import numpy as np
import pytest
from geo3d_compression.octree.earlier import PLACES, earlier_nodes
from geo3d_compression.octree.levels import child_level, occupancy_of, root_level
from geo3d_compression.octree.morton import morton_encode


@pytest.mark.parametrize("points", [40, 3000])
def test_earlier_nodes_are_those_within_two_steps(points: int) -> None:
    voxels = np.unique(np.random.default_rng(points).integers(0, 32, (points, 3)) // [1, 1, 4], axis=0)
    level = root_level()
    for occupancy in occupancy_of(np.sort(morton_encode(voxels)), 5):
        level = child_level(level, occupancy)
    at = {tuple(c): i for i, c in enumerate(level.coords[:-1].tolist())}
    found = earlier_nodes(level.neighbours)
    steps = [tuple(d) for d in np.ndindex(5, 5, 5) if any(v in (0, 4) for v in d)]
    for i, (x, y, z) in enumerate(level.coords[:-1].tolist()):
        expected = {}
        for k in range(27):
            expected[k] = at.get((x + k // 9 - 1, y + k // 3 % 3 - 1, z + k % 3 - 1), len(at))
        for k, step in enumerate(steps):
            d = [v - 2 for v in step]
            half = tuple(c + max(-1, min(1, v)) for c, v in zip((x, y, z), d, strict=True))
            whole = tuple(c + v for c, v in zip((x, y, z), d, strict=True))
            expected[27 + k] = at.get(whole, len(at)) if half in at else len(at)
        part = slice(found.ends[i], found.ends[i + 1])
        places = dict(zip(found.place[part].tolist(), found.node[part].tolist(), strict=True))
        assert places == {k: q for k, q in expected.items() if q < i}
    assert len(expected) == PLACES
