"""Surroundings against a slow second implementation, and their promises."""

import numpy as np
from geo3d_compression.attributes.order import build_order
from geo3d_compression.attributes.surroundings import DIGIT, MIDDLE, NEAR, find_surroundings
from numpy.typing import NDArray

from geo3d.ops import morton_decode, morton_encode


def cloud(n: int, depth: int, seed: int = 0) -> NDArray[np.int64]:
    return np.unique(morton_encode(np.random.default_rng(seed).integers(0, 1 << depth, (n, 3))))


def offsets(place: NDArray[np.int32]) -> NDArray[np.int64]:
    digits = place.astype(np.int64)
    return np.stack([digits // DIGIT**2, digits // DIGIT % DIGIT, digits % DIGIT], -1) - MIDDLE


def test_the_finest_level_has_the_nearest_decoded_nodes_at_their_offsets() -> None:
    depth = 5
    codes = cloud(3000, depth)
    order = build_order(codes, depth)
    around = find_surroundings(codes, depth, order)
    xyz = np.zeros((len(codes), 3), np.int64)
    xyz[order.position] = morton_decode(codes)
    for t in range(int(order.starts[depth]), len(codes), 37):
        step = xyz[:t] - xyz[t]
        # The children of the 27 cells around the parent.
        seen = np.flatnonzero((np.abs((xyz[:t] >> 1) - (xyz[t] >> 1)) <= 1).all(axis=1))
        nearest = np.sort((step[seen] ** 2).sum(axis=1))[:NEAR]
        used = around.near[t] >= 0
        if len(seen) < 6:
            continue
        found = offsets(around.place[t, used])
        assert (found == 4 * (xyz[around.near[t, used]] - xyz[t])).all()
        assert np.array_equal((found**2).sum(axis=1), 16 * nearest)
        assert len(set(around.near[t, used].tolist())) == used.sum()


def test_neighbours_come_earlier_and_nearest_first() -> None:
    codes = cloud(3000, 9)
    around = find_surroundings(codes, 9, build_order(codes, 9))
    rows = np.arange(len(codes))[:, None]
    used = around.near >= 0
    assert (around.near < rows).all()
    assert used[1:, 0].all()
    d = np.where(used, (offsets(around.place) ** 2).sum(axis=2), 1 << 20)
    assert (np.diff(d, axis=1) >= 0).all()


def test_a_coarser_cloud_has_a_prefix() -> None:
    depth = 7
    codes = cloud(4000, depth)
    fine = find_surroundings(codes, depth, build_order(codes, depth))
    for dropped in (1, 3, depth):
        coarse_codes = np.unique(codes >> 3 * dropped)
        order = build_order(coarse_codes, depth - dropped)
        coarse = find_surroundings(coarse_codes, depth - dropped, order, missing=dropped)
        n = len(coarse.near)
        assert np.array_equal(coarse.near, fine.near[:n])
        assert np.array_equal(coarse.place, fine.place[:n])
        assert np.array_equal(coarse.level, fine.level[:n])


def test_further_points_follow_their_voxel() -> None:
    codes = cloud(200, 4)
    counts = np.random.default_rng(1).integers(1, 4, len(codes))
    order = build_order(codes, 4, counts)
    around = find_surroundings(codes, 4, order, counts)
    place = order.of_points(counts)
    first = np.cumsum(counts) - counts
    for v in np.flatnonzero(counts > 1):
        assert around.near[place[first[v] + 1], 0] == order.position[v]
    for v in np.flatnonzero(counts > 2):
        assert around.near[place[first[v] + 2], 0] == place[first[v] + 1]
    assert (around.near < np.arange(len(around.near))[:, None]).all()
