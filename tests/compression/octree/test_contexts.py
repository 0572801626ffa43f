"""What the coder sees around a child, from tables, against the definition."""

import numpy as np
import pytest
from geo3d_compression.octree.contexts import (
    AHEAD,
    BLOCK,
    CONTEXTS,
    OCCUPIED,
    ORDER,
    PLAIN_CONTEXTS,
    UNKNOWN,
    earlier_masks,
    existence,
    look_ahead,
    pop,
)
from geo3d_compression.octree.levels import CHILD_COLUMN, CHILD_OCTANT, child_level, occupancy_of, root_level
from geo3d_compression.octree.morton import morton_encode
from geo3d_compression.octree.surface import no_fits
from geo3d_compression.octree.weights import load_odds

_LEVELS = 4


def _level():  # type: ignore[no-untyped-def]
    voxels = np.unique(np.random.default_rng(3).normal(16, 4, (300, 3)).astype(np.int64).clip(0, 31), axis=0)
    occupancies = occupancy_of(np.sort(morton_encode(voxels)), 5)
    level = root_level()
    for occupancy in occupancies[:_LEVELS]:
        level = child_level(level, occupancy)
    return level, occupancies[_LEVELS]


def test_masks_of_neighbours() -> None:
    level, _ = _level()
    n = level.size
    starts = [0, n // 3, n]
    there, earlier = existence(level.neighbours), earlier_masks(level.neighbours, np.array(starts))
    for i in range(n):
        q = level.neighbours[i, ORDER]
        assert there[i] == sum(1 << b for b in range(26) if q[b] != n)
        start = starts[0] if i < starts[1] else starts[1]
        assert earlier[i] == sum(1 << b for b in range(26) if start <= q[b] < i)
        assert pop(np.int64(there[i])) == (q != n).sum()


@pytest.mark.parametrize("stage", range(8))
def test_octants_around_a_child(stage: int) -> None:
    level, occupancy = _level()
    n = level.size
    # Octants of the stage and later ones are there to be overlooked.
    known = occupancy.copy()
    found, slots = np.zeros((BLOCK, AHEAD), np.int64), np.zeros((BLOCK, CONTEXTS), np.int64)
    last = min(n, BLOCK)
    tables = np.zeros((CONTEXTS, 1 << 10), np.uint32)
    there, sensor, none = existence(level.neighbours), np.zeros(7, np.int64), np.zeros(0, np.int64)
    look_ahead(
        *(stage, 0, last, known, level.neighbours, level.coords, there, tables, 10, PLAIN_CONTEXTS),
        *(sensor, none, none, no_fits(), load_odds(), found, slots),
    )
    for i in range(last):
        if stage == 7 and known[i] == 0:
            continue
        occupied = unknown = 0
        for b, k in enumerate(ORDER):
            q, child = level.neighbours[i, CHILD_COLUMN[stage, k]], CHILD_OCTANT[stage, k]
            if child < stage:
                occupied |= int(known[q] >> child & 1) << b
            else:
                unknown |= int(q != n) << b
        assert found[i, OCCUPIED] == occupied
        assert found[i, UNKNOWN] == unknown
