"""The coding order against a slow second implementation, and its promises."""

import numpy as np
import pytest
from geo3d_compression.attributes.order import build_order
from numpy.typing import NDArray

from geo3d.ops import morton_decode, morton_encode


def cloud(n: int, depth: int, seed: int = 0) -> NDArray[np.int64]:
    return np.unique(morton_encode(np.random.default_rng(seed).integers(0, 1 << depth, (n, 3))))


def slow_positions(codes: NDArray[np.int64], depth: int) -> dict[int, int]:
    """Coding position of each leaf by recursion over plain dictionaries."""
    position = {0: 0}
    for level in range(1, depth + 1):
        nodes = sorted({int(c) >> 3 * (depth - level) for c in codes})
        seen: set[int] = set()
        after = {}
        count = len(position)
        for node in nodes:
            if node >> 3 in seen:
                after[node] = count
                count += 1
            else:
                after[node] = position[node >> 3]
                seen.add(node >> 3)
        position = after
    return position


@pytest.mark.parametrize(("n", "depth"), [(1, 0), (1, 5), (50, 2), (300, 4), (800, 10)])
def test_positions_match_the_slow_way(n: int, depth: int) -> None:
    codes = cloud(n, depth)
    order = build_order(codes, depth)
    truth = slow_positions(codes, depth)
    assert order.position.tolist() == [truth[int(c)] for c in codes]
    assert sorted(order.position.tolist()) == list(range(len(codes)))


def test_neighbours_come_earlier_and_nearest_first() -> None:
    order = build_order(cloud(3000, 5), 5)
    rows = np.arange(len(order.neighbours))[:, None]
    used = order.neighbours >= 0
    assert (order.neighbours < rows).all()
    assert used[1:, 0].all()
    assert np.array_equal(used, order.distances > 0)
    d = np.where(used, order.distances, 1 << 20)
    assert (np.diff(d, axis=1) >= 0).all()


def test_neighbours_at_the_finest_level_are_true_neighbours() -> None:
    depth = 4
    codes = cloud(1500, depth)
    order = build_order(codes, depth)
    xyz = np.zeros((len(codes), 3), np.int64)
    xyz[order.position] = morton_decode(codes)
    late = np.arange(order.starts[depth], order.starts[depth + 1])
    near = order.distances[late, 0] == 16
    gap = np.abs(xyz[late[near]] - xyz[order.neighbours[late[near], 0]]).sum(axis=1)
    assert near.sum() > 100
    assert (gap == 1).all()


def test_a_coarser_cloud_has_a_prefix_of_the_order() -> None:
    depth = 7
    codes = cloud(4000, depth)
    fine = build_order(codes, depth)
    for dropped in (1, 3, depth):
        coarse = build_order(np.unique(codes >> 3 * dropped), depth - dropped)
        n = len(coarse.neighbours)
        assert np.array_equal(coarse.starts[: depth - dropped + 2], fine.starts[: depth - dropped + 2])
        assert np.array_equal(coarse.neighbours, fine.neighbours[:n])
        assert np.array_equal(coarse.distances, fine.distances[:n])


def test_further_points_follow_their_voxel() -> None:
    codes = cloud(200, 4)
    counts = np.random.default_rng(1).integers(1, 4, len(codes))
    order = build_order(codes, 4, counts)
    place = order.of_points(counts)
    assert sorted(place.tolist()) == list(range(int(counts.sum())))
    first = np.cumsum(counts) - counts
    assert np.array_equal(place[first], order.position)
    for v in np.flatnonzero(counts > 1):
        assert order.position[v] in order.neighbours[place[first[v] + 1]][:2]
