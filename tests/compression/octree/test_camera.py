"""A camera is found in the voxels of one depth frame, and nowhere else."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from geo3d_compression.octree import codec
from geo3d_compression.octree.camera import find_camera
from geo3d_compression.octree.sensor import find_sensor
from geo3d_compression.octree.sensor_contexts import CAMERA_X
from numpy.typing import NDArray

Cloud = tuple[NDArray[np.int64], NDArray[np.float64]]


def frame(cell: float = 0.002, focal: float = 300.0, step: float = 0.0, seed: int = 0) -> Cloud:
    """Voxels of a room seen by a camera of 320 x 240 pixels looking along +z, and where the camera is, in cells.

    `step`: of the disparity, in pixels at a baseline of 75 mm; 0: exact depths with a millimetre of noise.
    """
    v, u = np.mgrid[:240, :320]
    slope = np.stack([(u - 158.3) / focal, (v - 121.8) / focal, np.ones(u.shape)], axis=-1)
    # A box of walls; depth of a ray is the nearest wall's.
    walls = np.array([[2.1, 1.2, 3.4], [-1.7, -1.4, 9.0]])
    with np.errstate(divide="ignore"):
        z = np.minimum(*(np.where(slope * w > 0, w / slope, np.inf).min(axis=-1) for w in walls))
    z += 0.3 * np.sin(u / 29) * np.cos(v / 23)
    z += np.random.default_rng(seed).normal(0, 0.001, z.shape)
    if step:
        z = 0.075 * focal / (np.round(0.075 * focal / z / step) * step)
    points = (slope * z[..., None]).reshape(-1, 3)
    low = points.min(axis=0)
    return np.unique(np.round((points - low) / cell).astype(np.int64), axis=0), -low / cell


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("flip", [False, True])
def test_the_pixel_grid_tells_where_the_camera_is(axes: tuple[int, ...], flip: bool) -> None:
    voxels, place = frame()
    if flip:
        top = voxels.max(axis=0)
        voxels, place = top - voxels, top - place
    camera = find_camera(voxels[:, axes])
    assert camera is not None
    assert axes[camera.axis] == 2
    assert camera.is_backwards == flip
    np.testing.assert_allclose(camera.position, place[list(axes)], atol=8)


@pytest.mark.parametrize("flip", [False, True])
def test_planes_of_equal_disparity_tell_the_axis(flip: bool) -> None:
    # Pixels of less than a cell, as a sensor of more pixels has nearby.
    voxels, _ = frame(cell=0.02, step=0.125)
    if flip:
        voxels = voxels.max(axis=0) - voxels
    camera = find_camera(voxels)
    assert camera is not None
    assert (camera.axis, camera.is_backwards) == (2, flip)
    seen = (voxels - camera.position) * (-1 if flip else 1)
    assert (seen[:, 2] > 0).all()
    assert (np.abs(seen[:, :2]) < 1.2 * seen[:, 2:]).all()


@pytest.mark.parametrize("seed", range(3))
def test_other_clouds_have_none(seed: int) -> None:
    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(60_000, 3))
    ball = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    room = rng.uniform(0, 400, (60_000, 3))
    room[np.arange(len(room)), rng.integers(0, 3, len(room))] *= 0
    dust = rng.uniform(0, 300, (60_000, 3))
    # A frame whose axes are not the grid's.
    turned = (frame()[0] - 500) @ np.linalg.qr(rng.normal(size=(3, 3)))[0]
    for points in (200 + 190 * ball, room, dust, turned - turned.min(axis=0)):
        assert find_camera(np.unique(points.astype(np.int64), axis=0)) is None


@pytest.mark.parametrize("voxels", [np.zeros((1, 3)), np.eye(3), np.arange(30_000)[:, None] * [1, 1, 1]])
def test_degenerate_clouds_have_none(voxels: NDArray[np.float64]) -> None:
    assert find_camera(voxels.astype(np.int64)) is None


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("planes", [1, 2])
def test_flat_clouds_have_none_and_are_coded(axis: int, planes: int) -> None:
    flat = np.stack(np.meshgrid(np.arange(100), np.arange(100), [0, 5][:planes]), axis=-1).reshape(-1, 3)
    voxels = np.roll(flat, axis, axis=1)
    assert find_camera(voxels) is None
    back = codec.decode(codec.encode(voxels, 7, "fast"), 7)
    assert np.array_equal(np.unique(back, axis=0), np.unique(voxels, axis=0))


def test_memory_does_not_grow_with_the_extent() -> None:
    # Planes full enough to be looked at, on the finest grid.
    rng = np.random.default_rng(0)
    voxels = rng.integers(0, 1 << 21, (20_000, 3))
    voxels[:, 2] = rng.integers(0, 100, len(voxels))
    tracemalloc.start()
    assert find_camera(voxels) is None
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 << 20


def test_a_frame_without_its_origin_is_coded_with_the_camera_found() -> None:
    voxels, place = frame()
    depth = int(voxels.max()).bit_length()
    parents = len(np.unique(voxels >> 1, axis=0))
    assert find_sensor(voxels, parents, None).mode == CAMERA_X + 4
    found, told = (codec.encode(voxels, depth, "fast", origin) for origin in (None, place))
    assert abs(sum(map(len, found)) / sum(map(len, told)) - 1) < 0.01
    order = np.lexsort(voxels.T)
    decoded = codec.decode(found, depth)
    np.testing.assert_array_equal(decoded[np.lexsort(decoded.T)], voxels[order])
