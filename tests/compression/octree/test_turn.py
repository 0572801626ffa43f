"""A camera's frame is coded with its optical axis first and comes back as it was."""

from __future__ import annotations

import numpy as np
import pytest
from geo3d_compression import octree
from geo3d_compression.octree.morton import morton_decode, morton_encode
from geo3d_compression.octree.sensor import SUBCELLS, Sensor
from geo3d_compression.octree.sensor_contexts import CAMERA_X, NO_SENSOR, SPINNING
from geo3d_compression.octree.turn import VIEWS, turn, turn_back, turn_sensor, view_of


@pytest.mark.parametrize("view", range(VIEWS))
def test_voxels_and_their_coarser_cells_come_back(view: int) -> None:
    rng = np.random.default_rng(view)
    codes = np.unique(morton_encode(rng.integers(0, 64, (500, 3))))
    turned = turn(codes, 6, view)
    np.testing.assert_array_equal(turn_back(morton_decode(turned), 6, view), morton_decode(codes))
    coarse = morton_decode(np.unique(turned >> 6))
    np.testing.assert_array_equal(turn_back(coarse, 4, view), morton_decode(np.unique(codes >> 6)))


@pytest.mark.parametrize("mode", range(CAMERA_X, CAMERA_X + 6))
def test_the_camera_then_looks_along_x(mode: int) -> None:
    axis, backwards = divmod(mode - CAMERA_X, 2)
    voxels = np.random.default_rng(0).integers(0, 64, (100, 3))
    place = np.array([3.5, 60.25, 31.0])
    place[axis] = 90.0 if backwards else -20.5
    x, y, z = (int(p) for p in place * SUBCELLS)
    sensor = Sensor(mode, x, y, z)
    turned = turn_sensor(sensor, 6, view_of(sensor))
    assert turned.mode == CAMERA_X
    # Distances along the axis and from the camera stay.
    codes = np.sort(morton_encode(voxels))
    after = morton_decode(turn(codes, 6, view_of(sensor))) - np.array([turned.x, turned.y, turned.z]) / SUBCELLS
    before = morton_decode(codes) - place
    assert (after[:, 0] > 0).all()
    np.testing.assert_allclose(np.sort(after[:, 0]), np.sort(np.abs(before[:, axis])))
    np.testing.assert_allclose(
        np.sort(np.linalg.norm(after, axis=1)), np.sort(np.linalg.norm(before, axis=1)), rtol=1e-12
    )


def test_nothing_else_is_turned() -> None:
    assert view_of(Sensor(NO_SENSOR)) == view_of(Sensor(SPINNING)) == 0


def test_all_sides_decode_at_every_level() -> None:
    rng = np.random.default_rng(3)
    voxels = morton_decode(np.unique(morton_encode(rng.integers(0, 32, (300, 3)))))
    for axis in range(3):
        for end in (-40.0, 70.0):
            origin = np.full(3, 16.0)
            origin[axis] = end
            chunks = octree.encode(voxels, 5, "fast", origin)
            for level in range(6):
                expected = morton_decode(np.unique(morton_encode(voxels) >> 3 * (5 - level)))
                np.testing.assert_array_equal(octree.decode(chunks, 5, level), expected)
