"""A frame's voxels come back exactly, from any side, smaller than as an octree; anything else is left alone."""

from __future__ import annotations

import numpy as np
import pytest
from compression_frames import depth_picture, frame_points, sorted_voxels
from geo3d_compression import octree, pinhole
from geo3d_compression.octree.camera import Camera
from geo3d_compression.pinhole.fit import fit_pinhole
from geo3d_compression.pinhole.rays import PIXEL_BITS

from geo3d.errors import BitstreamError
from geo3d.ops.morton import morton_decode, morton_encode

FOCAL, CELL = 280.0, 0.004


@pytest.fixture(scope="module")
def frame():  # type: ignore[no-untyped-def]
    return sorted_voxels(frame_points(depth_picture(), FOCAL), CELL)


def _size(chunks: list[bytes]) -> int:
    return sum(len(c) for c in chunks)


def test_a_frame_comes_back_in_fewer_bytes_than_an_octree(frame) -> None:  # type: ignore[no-untyped-def]
    voxels, depth, place = frame
    chunks = pinhole.encode(voxels, depth, "fast", Camera(2, False, place))
    assert chunks is not None
    assert pinhole.is_pinhole(chunks)
    np.testing.assert_array_equal(pinhole.decode(chunks, depth), voxels)
    assert _size(chunks) < 0.8 * _size(octree.encode(voxels, depth, "fast", place))
    assert chunks == pinhole.encode(voxels, depth, "fast", Camera(2, False, place))


def test_coarser_levels_are_the_octrees(frame) -> None:  # type: ignore[no-untyped-def]
    voxels, depth, place = frame
    chunks = pinhole.encode(voxels, depth, "fast", Camera(2, False, place))
    assert chunks is not None
    for level in (0, 1, depth - 1):
        expected = morton_decode(np.unique(morton_encode(voxels) >> 3 * (depth - level)))
        np.testing.assert_array_equal(pinhole.decode(chunks, depth, level), expected)


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 2, 0), (1, 0, 2)])
@pytest.mark.parametrize("backwards", [False, True])
def test_from_every_side(axes: tuple[int, int, int], backwards: bool) -> None:
    points = frame_points(depth_picture(200, 150), 180.0) * [1, 1, -1 if backwards else 1]
    voxels, depth, place = sorted_voxels(points[:, axes], 0.006)
    chunks = pinhole.encode(voxels, depth, "fast", Camera(axes.index(2), backwards, place))
    assert chunks is not None
    np.testing.assert_array_equal(pinhole.decode(chunks, depth), voxels)


def test_the_camera_found_is_the_one_that_was(frame) -> None:  # type: ignore[no-untyped-def]
    voxels, _, place = frame
    found = fit_pinhole(voxels, Camera(2, False, place + [0.2, -0.2, 1.5]))
    assert found is not None
    one = 1 << PIXEL_BITS
    assert abs(found.camera.fx / one - FOCAL) < 0.3
    assert abs(found.camera.fy / one - FOCAL) < 0.3
    np.testing.assert_allclose(np.array([found.camera.x, found.camera.y, found.camera.z]) / 4096, place, atol=0.5)
    # A border of a pixel or two stays.
    assert 320 <= found.width <= 324
    assert 240 <= found.height <= 244


def test_voxels_that_were_cut_and_not_rounded(frame) -> None:  # type: ignore[no-untyped-def]
    points = frame_points(depth_picture(), FOCAL)
    cut = np.unique(np.floor(points / CELL).astype(np.int64), axis=0)
    voxels = morton_decode(np.sort(morton_encode(cut - cut.min(axis=0))))
    depth = int(voxels.max()).bit_length()
    chunks = pinhole.encode(voxels, depth, "fast", Camera(2, False, -cut.min(axis=0).astype(np.float64)))
    assert chunks is not None
    np.testing.assert_array_equal(pinhole.decode(chunks, depth), voxels)


def test_steps_of_the_sensor_cost_less() -> None:
    sizes = []
    for steps in (0.0, 0.004):
        voxels, depth, place = sorted_voxels(frame_points(depth_picture(steps=steps), FOCAL), CELL)
        chunks = pinhole.encode(voxels, depth, "fast", Camera(2, False, place))
        assert chunks is not None
        np.testing.assert_array_equal(pinhole.decode(chunks, depth), voxels)
        sizes.append(_size(chunks))
    assert sizes[1] < 0.9 * sizes[0]


def test_further_voxels_are_kept(frame) -> None:  # type: ignore[no-untyped-def]
    voxels, depth, place = frame
    behind = voxels[::97] + [0, 0, 9]
    more = morton_decode(np.unique(morton_encode(np.concatenate([voxels, behind[behind.max(axis=1) < 1 << depth]]))))
    chunks = pinhole.encode(more, depth, "fast", Camera(2, False, place))
    assert chunks is not None
    assert len(chunks) > 1
    np.testing.assert_array_equal(pinhole.decode(chunks, depth), more)


def test_what_is_no_frame_is_left_alone(frame) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(1)
    scattered = morton_decode(np.unique(morton_encode(rng.integers(0, 512, (40_000, 3)))))
    assert pinhole.encode(scattered, 9, "fast", Camera(2, False, np.array([256.0, 256.0, -400.0]))) is None
    # Pixels closer than voxels cannot be told apart.
    voxels, depth, place = sorted_voxels(frame_points(depth_picture(), FOCAL), 0.015)
    assert pinhole.encode(voxels, depth, "fast", Camera(2, False, place)) is None
    voxels, depth, place = frame
    assert pinhole.encode(voxels[:1000], depth, "fast", Camera(2, False, place)) is None


def test_thick_clouds_with_a_pixel_grid_end_in_time(frame) -> None:  # type: ignore[no-untyped-def]
    """Four times as many voxels as pixels: no matching, and no search for one without end."""
    voxels, depth, place = frame
    thick = np.concatenate([voxels + [0, 0, k] for k in range(0, 12, 3)])
    thick = morton_decode(np.unique(morton_encode(thick[thick.max(axis=1) < 1 << depth])))
    assert pinhole.encode(thick, depth, "fast", Camera(2, False, place)) is None


def test_a_camera_far_away_is_none(frame) -> None:  # type: ignore[no-untyped-def]
    voxels, depth, place = frame
    for away in (1e3, 1e5, 1e7):
        chunks = pinhole.encode(voxels, depth, "fast", Camera(2, False, place - [0, 0, away]))
        assert chunks is None or len(pinhole.decode(chunks, depth)) == len(voxels)


def test_damage_is_an_error_or_changes_nothing_unseen(frame) -> None:  # type: ignore[no-untyped-def]
    voxels, depth, place = frame
    chunks = pinhole.encode(voxels, depth, "fast", Camera(2, False, place))
    assert chunks is not None
    rng = np.random.default_rng(2)
    for _ in range(60):
        data = bytearray(chunks[0])
        at = int(rng.integers(2, 60 if rng.random() < 0.7 else len(data)))
        data[at] ^= 1 << int(rng.integers(8))
        try:
            decoded = pinhole.decode([bytes(data), *chunks[1:]], depth)
        except BitstreamError:
            continue
        assert len(decoded) == len(voxels)
        assert decoded.min() >= 0
        assert decoded.max() < 1 << depth
    for end in (2, 9, 40, len(chunks[0]) // 2, len(chunks[0]) - 1):
        with pytest.raises(BitstreamError):
            pinhole.decode([chunks[0][:end], *chunks[1:]], depth)
    with pytest.raises(BitstreamError, match="depth"):
        pinhole.decode(chunks, depth + 1)
