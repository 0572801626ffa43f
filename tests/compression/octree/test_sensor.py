"""The rule that finds the sensor's kind, and its place in the header."""

import numpy as np
import pytest
from geo3d_compression import octree
from geo3d_compression.octree.sensor import Sensor, find_sensor, read_sensor
from geo3d_compression.octree.sensor_contexts import CAMERA_X, CAMERA_Z, NO_SENSOR, SCATTERED, SENSOR_MODES, SPINNING
from hypothesis import given
from hypothesis import strategies as st

from geo3d.errors import BitstreamError, ShapeError


@given(st.integers(CAMERA_X, SENSOR_MODES - 1) | st.just(SPINNING), st.tuples(*[st.integers(-(1 << 26), 1 << 26)] * 5))
def test_header_round_trip(mode: int, place: tuple[int, int, int, int, int]) -> None:
    sensor = Sensor(mode, *place) if mode == SPINNING else Sensor(mode, *place[:3])
    data = sensor.write()
    decoded, position = read_sensor(b"ab" + data, 2)
    assert decoded[:6] == sensor[:6]
    assert position == 2 + len(data)


@pytest.mark.parametrize("mode", [NO_SENSOR, SCATTERED])
def test_modes_without_a_place_take_a_byte(mode: int) -> None:
    assert Sensor(mode).write() == bytes([mode])
    assert read_sensor(bytes([mode]), 0) == (Sensor(mode), 1)


@pytest.mark.parametrize("data", [b"", bytes([SENSOR_MODES]), b"\x01\x80", bytes([1]) + b"\xff" * 8 + b"\x7f\0\0"])
def test_rejects(data: bytes) -> None:
    with pytest.raises(BitstreamError):
        read_sensor(data, 0)


def test_kinds() -> None:
    rng = np.random.default_rng(0)
    around = rng.integers(0, 1000, (9000, 3))
    assert find_sensor(around, 9000, None).mode == SCATTERED
    assert find_sensor(around, 9000, [500.5, 500, 500])[:4] == (SPINNING, 4004, 4000, 4000)
    assert find_sensor(around, 3000, [500.5, 500, 500]).mode == NO_SENSOR
    assert find_sensor(around, 9000, [500, 500, -1500]).mode == CAMERA_Z
    assert find_sensor(around, 9000, [3500, 500, 500]).mode == CAMERA_X + 1
    assert find_sensor(around, 9000, [-10, -10, 500]).mode == SCATTERED
    with pytest.raises(ShapeError, match="finite"):
        find_sensor(around, 9000, [np.nan, 0, 0])


@pytest.mark.parametrize("origin", [[32, 32, 32], [31.4, 30, -90], [150, 30, 30], [30, -90, 30], [1e12, 0, 0]])
def test_sensor_is_a_hint_that_changes_no_voxel(origin: list[float]) -> None:
    voxels = np.unique(np.random.default_rng(0).integers(0, 64, (800, 3)), axis=0)
    with_origin = octree.encode(voxels, 6, "fast", origin)
    expected = octree.decode(octree.encode(voxels, 6, "fast"), 6)
    np.testing.assert_array_equal(octree.decode(with_origin, 6), expected)


def test_damaged_scanner_headers_raise_or_decode() -> None:
    rng = np.random.default_rng(0)
    voxels = np.unique(rng.integers(0, 500, (9000, 3)), axis=0)
    (chunk,) = octree.encode(voxels, 9, "fast", [250, 250, 250])
    assert chunk[7] == SPINNING
    raised = 0
    for _ in range(150):
        damaged = bytearray(chunk)
        damaged[rng.integers(7, 42)] = rng.integers(256)
        try:
            assert octree.decode([bytes(damaged)], 9).max() < 512
        except BitstreamError:
            raised += 1
    assert raised > 100
