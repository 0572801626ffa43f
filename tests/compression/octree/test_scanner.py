"""The scanner found from its points alone, standing and moving."""

import numpy as np
import pytest
from geo3d_compression import octree
from geo3d_compression.octree.scanner import find_scanner, sharpness, turns, unmoved
from geo3d_compression.octree.sensor_contexts import _turns
from numpy.typing import NDArray

_CELL = 0.02


def _scan(motion: tuple[float, float], seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Voxels of a 64-ring scan of ground and walls, straightened for `motion` in metres a turn; its place."""
    rng = np.random.default_rng(seed)
    slopes = np.tan(np.deg2rad(np.linspace(-24, 3, 64)))
    azimuth = np.linspace(-np.pi, np.pi, 700, endpoint=False)
    wall = 12 + 6 * np.sin(2 * azimuth + 1) + 20 * (np.sin(5 * azimuth) > 0.3) + rng.normal(0, 0.02, (64, 700))
    rho = np.minimum(np.where(slopes < -0.01, 1.73 / np.maximum(-slopes, 0.01), 200)[:, None], wall)
    points = np.stack([rho * np.cos(azimuth), rho * np.sin(azimuth), slopes[:, None] * rho], -1)
    points[..., :2] += (azimuth / (2 * np.pi))[:, None] * np.array(motion)
    points = points.reshape(-1, 3)
    low = points.min(0)
    return np.unique(np.round((points - low) / _CELL).astype(np.int64), axis=0), -low / _CELL


def test_turns_are_the_azimuth() -> None:
    x, y = np.random.default_rng(0).integers(-(10**6), 10**6, (2, 2000))
    ours = turns(x, y)
    np.testing.assert_allclose(ours / 65536, np.arctan2(y, x) / (2 * np.pi), atol=7e-4)
    assert [_turns(a, b) for a, b in zip(x[:300].tolist(), y[:300].tolist(), strict=True)] == ours[:300].tolist()


@pytest.mark.parametrize("motion", [(0.0, 0.0), (1.2, 0.0), (0.0, -0.9)])
def test_finds_a_scanner(motion: tuple[float, float]) -> None:
    voxels, place = _scan(motion)
    found = find_scanner(voxels)
    assert found is not None
    # Heights trade against the rings' own.
    np.testing.assert_allclose(found.position[:2], place[:2], atol=4)
    np.testing.assert_allclose(found.motion * _CELL, motion, atol=0.1)
    assert sharpness(unmoved(voxels - found.position, found.motion), 600) > 1


def test_finds_none_in_other_clouds() -> None:
    rng = np.random.default_rng(0)
    assert find_scanner(rng.integers(0, 2000, (20_000, 3))) is None
    sphere = rng.normal(size=(20_000, 3))
    sphere /= np.linalg.norm(sphere, axis=1, keepdims=True)
    assert find_scanner(np.round(sphere * 500 + 500).astype(np.int64)) is None


def test_an_unannounced_scanner_shrinks_the_stream() -> None:
    voxels, place = _scan((1.2, 0.0))
    depth = int(voxels.max()).bit_length()
    alone = octree.encode(voxels, depth, "fast")
    told = octree.encode(voxels, depth, "fast", place)
    assert sum(map(len, alone)) == pytest.approx(sum(map(len, told)), rel=0.03)
    np.testing.assert_array_equal(octree.decode(alone, depth), octree.decode(told, depth))
