"""Nearest nodes handed down from level to level, against a search of all pairs."""

import numpy as np
import pytest
from geo3d_compression.octree.levels import child_level, occupancy_of, root_level
from geo3d_compression.octree.morton import morton_encode
from geo3d_compression.octree.nearest import NEAREST, child_nearest, root_nearest
from numpy.typing import NDArray


def _levels(voxels: NDArray[np.int64], depth: int):  # type: ignore[no-untyped-def]
    level, nearest = root_level(), root_nearest()
    for index, occupancy in enumerate(occupancy_of(np.sort(morton_encode(voxels)), depth)):
        if index:
            nearest = child_nearest(nearest, level.parent, level.coords)
        yield level, nearest
        level = child_level(level, occupancy)


def _bumpy(points: int, size: int) -> NDArray[np.int64]:
    rng = np.random.default_rng(points)
    x, y = rng.integers(0, size, (2, points))
    return np.unique(np.stack([x, y, size // 2 + (np.sin(x / size * 9) * size / 10).astype(np.int64)], 1), axis=0)


@pytest.mark.parametrize("voxels", [_bumpy(900, 4096), _bumpy(2500, 64)])
def test_lists_hold_the_nearest_in_order(voxels: NDArray[np.int64]) -> None:
    exact = total = 0
    for level, nearest in _levels(voxels, 12):
        n = level.size
        coords = level.coords[:-1].astype(np.int64)
        away = ((coords[:, None] - coords) ** 2).sum(-1)
        np.fill_diagonal(away, np.iinfo(np.int64).max)
        found = np.where(nearest[:-1] < n, np.take_along_axis(away, np.minimum(nearest[:-1], n - 1), 1), -1)
        for row, distances in zip(nearest[:-1], found, strict=True):
            kept = row[row < n]
            assert len(set(kept.tolist())) == len(kept) == min(n - 1, NEAREST)
            assert (np.diff(distances[: len(kept)]) >= 0).all()
        true = np.sort(away, axis=1)[:, : min(n - 1, NEAREST)]
        exact += (found[:, : true.shape[1]] <= true[:, -1:]).sum()
        total += true.size
    assert exact > 0.94 * total


def test_no_node_is_its_own_neighbour() -> None:
    for level, nearest in _levels(_bumpy(400, 512), 9):
        assert (nearest[:-1] != np.arange(level.size)[:, None]).all()
        assert (nearest[-1] == level.size).all()
