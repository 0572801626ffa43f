"""Fits of the surface through a sparse cloud, and what they save."""

import numpy as np
import pytest
from geo3d_compression import octree
from geo3d_compression.octree import sensor
from geo3d_compression.octree.levels import child_level, occupancy_of, root_level
from geo3d_compression.octree.morton import morton_decode, morton_encode
from geo3d_compression.octree.sensor_contexts import NO_SENSOR, SCATTERED
from geo3d_compression.octree.surface import CLASSES, CURVED, FLAT, FLAT_CLASS, REACH, SurfaceFits, octant_height
from geo3d_compression.octree.training.surface_task import fit_weights, octant_distances
from geo3d_compression.octree.weights import load_odds
from numpy.typing import NDArray

_DEPTH = 12


def _sampled(height: str, points: int = 4000, seed: int = 0) -> NDArray[np.int64]:
    """Points of a surface over the unit square, on a grid of 4,096 cells."""
    x, y = np.random.default_rng(seed).random((2, points))
    z = {"tilted": 0.3 * x + 0.2 * y, "bent": 0.5 + 0.4 * (x - 0.5) ** 2 - 0.5 * (y - 0.4) ** 2}[height]
    return np.unique((np.stack([x, y, z], 1) * 4095).astype(np.int64), axis=0)


def _last_fits(voxels: NDArray[np.int64], levels: int):  # type: ignore[no-untyped-def]
    """Coordinates of the nodes of level `levels`, where their first voxels are in them [n, 3], and their fits."""
    codes = np.sort(morton_encode(voxels))
    level, surface = root_level(), SurfaceFits()
    fits = surface.of(level)
    for occupancy in occupancy_of(codes, _DEPTH)[:levels]:
        level = child_level(level, occupancy)
        fits = surface.of(level)
    nodes = codes >> 3 * (_DEPTH - levels)
    first = np.flatnonzero(np.diff(nodes, prepend=-1))
    inside = (morton_decode(codes[first]) + 0.5) / 2 ** (_DEPTH - levels) - level.coords[:-1] - 0.5
    return inside, fits[:-1]


def _errors(voxels: NDArray[np.int64], levels: int, height: int) -> NDArray[np.float64]:
    """How far the voxels are from a height of the surface, along z, in cells of the level."""
    inside, fits = _last_fits(voxels, levels)
    facing = (fits[:, 0] == 2) & (fits[:, FLAT_CLASS] > 0)
    assert facing.mean() > 0.95
    surface = fits[:, height] / 16 + (fits[:, 1:3] / 1024 * inside[:, :2]).sum(1)
    return np.abs(inside[:, 2] - surface)[facing]


def test_a_plane_is_found_to_a_fraction_of_a_cell() -> None:
    for height in (FLAT, CURVED):
        assert np.median(_errors(_sampled("tilted"), 9, height)) < 0.12


def test_a_paraboloid_is_found_where_curvature_is_asked() -> None:
    voxels = _sampled("bent", 1500)
    flat, curved = (np.median(_errors(voxels, 11, height)) for height in (FLAT, CURVED))
    assert curved < 0.2
    assert flat > 1.8 * curved


@pytest.mark.parametrize("profile", ["fast", "best"])
@pytest.mark.parametrize("surface", ["tilted", "bent"])
def test_sparse_surfaces_shrink(profile: octree.Profile, surface: str, monkeypatch: pytest.MonkeyPatch) -> None:
    voxels = _sampled(surface)
    chunks = octree.encode(voxels, _DEPTH, profile)
    assert sensor.read_sensor(chunks[0], 7)[0].mode == SCATTERED
    monkeypatch.setattr(sensor, "is_scattered", lambda leaves, parents: False)
    plain = octree.encode(voxels, _DEPTH, profile)
    assert sensor.read_sensor(plain[0], 7)[0].mode == NO_SENSOR
    assert sum(map(len, chunks)) < 0.93 * sum(map(len, plain))
    monkeypatch.undo()
    for level in (5, 11, _DEPTH):
        back = octree.decode(chunks, _DEPTH, level)
        np.testing.assert_array_equal(back, morton_decode(np.unique(morton_encode(voxels >> _DEPTH - level))))


def _spread(*columns: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.stack(np.broadcast_arrays(*columns), axis=1).astype(np.int64)


@pytest.mark.parametrize("profile", ["fast", "best"])
@pytest.mark.parametrize(
    "voxels",
    [
        _spread(np.arange(0, 1 << 21, 4099), np.array(7), np.array(9)),
        _spread(np.arange(0, 1 << 20, 2053), np.arange(0, 1 << 20, 2053), np.arange(0, 1 << 20, 2053)),
        _spread(np.array([0, (1 << 21) - 1]), np.array([0, (1 << 21) - 1]), np.array([(1 << 21) - 1, 0])),
        _spread(np.arange(4000) % 63 * 33000, np.arange(4000) // 63 * 33000, np.array(1 << 20)),
        np.unique(np.random.default_rng(1).integers(0, 1 << 21, (3000, 3)), axis=0),
    ],
    ids=["line", "diagonal", "two", "flat grid", "anywhere"],
)
def test_any_sparse_cloud_comes_back(profile: octree.Profile, voxels: NDArray[np.int64]) -> None:
    chunks = octree.encode(voxels, 21, profile)
    np.testing.assert_array_equal(octree.decode(chunks, 21), morton_decode(np.sort(morton_encode(voxels))))


def test_distances_are_those_of_the_contexts() -> None:
    """What the odds are counted with in numpy is what the coder's loop computes."""
    _, fits = _last_fits(_sampled("bent", 500), 10)
    for height in (FLAT, CURVED):
        expected = [[min(abs(octant_height(f, o) - f[height]), REACH) for o in range(8)] for f in fits]
        np.testing.assert_array_equal(octant_distances(fits, height), expected)


def test_odds_are_found_again() -> None:
    rng = np.random.default_rng(0)
    true = np.exp(-np.arange(REACH + 1) / 12)
    distances = rng.integers(0, REACH + 1, (200_000, 8))
    weights = true[distances]
    octant = (np.cumsum(weights, 1) < rng.random(200_000)[:, None] * weights.sum(1, keepdims=True)).sum(1)
    rows = np.column_stack([np.full(200_000, 3), octant, distances]).astype(np.uint8)
    np.testing.assert_allclose(fit_weights(rows, 40)[3], true, rtol=0.1, atol=0.01)


def test_the_stored_odds_fall_with_distance() -> None:
    odds = load_odds()
    assert odds.shape == (2, 2, CLASSES, REACH + 1)
    assert odds.min() >= 1
    assert odds.max() <= 65535
    near, far = odds[:, 0, 4:8, :4].mean(-1), odds[:, 0, 4:8, 20:].mean(-1)
    assert (near > 3 * far).all()
