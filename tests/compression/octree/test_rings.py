"""Scanner rings: found where they are, absent where there are none, and worth their bytes."""

import numpy as np
import pytest
from geo3d_compression import octree
from geo3d_compression.octree import codec
from geo3d_compression.octree.rings import NO_RINGS, SLOPE_BITS, find_rings, read_rings
from geo3d_compression.octree.sensor import Sensor
from geo3d_compression.octree.sensor_contexts import NO_SENSOR
from geo3d_compression.octree.varint import write_varint
from numpy.typing import NDArray

from geo3d.errors import BitstreamError


def _sweep(
    rings: int, steps: int, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Points in metres of a scanner among random walls."""
    rng = np.random.default_rng(seed)
    slopes = np.linspace(-0.4, 0.05, rings) + rng.normal(0, 1e-3, rings)
    heights = np.where(np.arange(rings) < rings // 2, 0.12, 0.2)
    azimuth = np.linspace(0, 2 * np.pi, steps, endpoint=False)
    wall = 6 + 4 * np.sin(3 * azimuth) + rng.normal(0, 0.05, (rings, steps)) + rng.uniform(0, 20, (rings, 1))
    rho = np.minimum(wall, np.where(slopes < -0.02, 1.9 / np.maximum(-slopes, 0.02), 100)[:, None])
    points = np.stack([rho * np.cos(azimuth), rho * np.sin(azimuth), slopes[:, None] * rho + heights[:, None]], -1)
    return points.reshape(-1, 3)


def test_finds_the_rings_of_a_sweep() -> None:
    cell = 0.01
    points = _sweep(24, 900)
    rings = find_rings(np.round(points / cell))
    assert len(rings.slopes) == pytest.approx(24, abs=3)
    rho = np.hypot(points[:, 0], points[:, 1]) / cell
    lines = rings.slopes / 2**SLOPE_BITS * rho[:, None] + rings.heights / 8
    assert np.percentile(np.abs(lines - points[:, 2:] / cell).min(1), 90) < 0.8


def test_header_round_trip() -> None:
    points = _sweep(24, 900)
    rings = find_rings(np.round(points / 0.01))
    data = rings.write()
    decoded, position = read_rings(b"x" + data, 1)
    assert position == 1 + len(data)
    np.testing.assert_array_equal(decoded.slopes, rings.slopes)
    np.testing.assert_array_equal(decoded.heights, rings.heights)


def test_no_rings_in_noise() -> None:
    noise = np.random.default_rng(0).uniform(-500, 500, (20_000, 3))
    assert len(find_rings(noise).slopes) == 0
    assert NO_RINGS.write() == b"\0"


@pytest.mark.parametrize(
    "data",
    [write_varint(1000) + b"\x10", b"\x05", b"\x05\x30", b"\x02\x10\xff\xff\xff\xff\xff\xff\x7f", b"\x02\x10\x01"],
)
def test_rejects(data: bytes) -> None:
    with pytest.raises(BitstreamError):
        read_rings(data, 0)


@pytest.mark.parametrize("profile", ["fast", "best"])
def test_rings_shrink_a_sweep_and_change_no_voxel(profile: octree.Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    points = _sweep(24, 900)
    low = points.min(0)
    voxels = np.unique(np.round((points - low) / 0.01).astype(np.int64), axis=0)
    depth = int(voxels.max()).bit_length()
    ringed = octree.encode(voxels, depth, profile, -low / 0.01)
    monkeypatch.setattr(codec, "find_sensor", lambda *_: Sensor(NO_SENSOR))
    plain = octree.encode(voxels, depth, profile)
    assert sum(map(len, ringed)) < 0.9 * sum(map(len, plain))
    np.testing.assert_array_equal(octree.decode(ringed, depth), octree.decode(plain, depth))
