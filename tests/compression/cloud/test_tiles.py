"""Tiles partition the points, keep to their limit, and hold what they say."""

import numpy as np
import pytest
from geo3d_compression.cloud.tiles import split
from numpy.typing import NDArray

from geo3d.errors import Geo3DError
from geo3d.ops import morton_encode

RNG = np.random.default_rng(0)
CASES = {
    "one point": np.array([[5, -7, 9]]),
    "one voxel, many points": np.tile([[1, 2, 3]], (500, 1)),
    "cube": RNG.integers(0, 64, (3000, 3)),
    "far apart": RNG.integers(-(2**40), 2**40, (20, 3)),
    "last corner of the largest cube": np.concatenate(
        [[[0, 0, 0]], (1 << 21) - 1 - np.argwhere(np.ones((12, 12, 12)))]
    ),
    "line": np.arange(3000)[:, None] * [1, 0, 0] - 1500,
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("limit", [100, 10**6])
def test_partition(name: str, limit: int) -> None:
    indices: NDArray[np.int64] = CASES[name]
    tiles = list(split(indices, limit))
    assert np.array_equal(np.sort(np.concatenate([t.order for t in tiles])), np.arange(len(indices)))
    for tile in tiles:
        assert 1 <= len(tile.order) <= limit
        local = indices[tile.order] - np.array(tile.origin)
        assert local.min() >= 0
        assert local.max() < 1 << tile.depth
        assert (np.diff(morton_encode(local)) >= 0).all()


def test_extents_without_end_are_refused() -> None:
    with pytest.raises(Geo3DError, match=r"2\^62"):
        list(split(np.array([[-(2**62), 0, 0], [2**62, 0, 0]])))
