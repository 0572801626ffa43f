"""Rays in planes of voxels against fractions, and the assignment of pixels against SciPy's matching."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from compression_frames import depth_picture, frame_points, sorted_voxels
from geo3d_compression.octree.camera import Camera
from geo3d_compression.pinhole.assign import Sight, candidates, picture
from geo3d_compression.pinhole.fit import fit_pinhole
from geo3d_compression.pinhole.rays import HALF, PIXEL_BITS, SLOPE_BITS, UNIT, Pinhole, narrowed, reach
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching


@given(st.integers(0, 639), st.integers(UNIT, 4000 * UNIT), st.integers(-HALF, HALF), st.integers(-(1 << 20), 1 << 20))
def test_reach_is_where_the_ray_is(pixel: int, distance: int, within: int, place: int) -> None:
    camera = Pinhole(2, False, place, 0, 0, 525 << PIXEL_BITS, 525 << PIXEL_BITS, 320 << PIXEL_BITS, 0)
    slope = int(camera.slopes(1, 640)[0][pixel])
    exact = Fraction(pixel - 320, 525) * (distance + within) + place
    # In 1/4096 of a cell; the slope is cut to 2^-24.
    assert abs(exact - (slope * (distance + within) >> SLOPE_BITS) - place) <= 1 + Fraction(distance + within, 1 << 24)
    assert (
        reach(slope, distance + within, place) == ((slope * (distance + within) >> SLOPE_BITS) + place + HALF) // UNIT
    )


@given(st.integers(-(2 << 24), 2 << 24), st.integers(UNIT, 1000 * UNIT), st.integers(-3, 3))
def test_narrowed_is_all_depths_with_that_voxel(slope: int, distance: int, away: int) -> None:
    voxel = int(reach(slope, distance, 77)) + away
    every = np.arange(-HALF, HALF + 1)
    inside = every[((slope * (distance + every) >> SLOPE_BITS) + 77 + HALF) >> 12 == voxel]
    low, high = narrowed(slope, distance, 77, -HALF, HALF, voxel)
    if len(inside):
        assert (low, high) == (inside[0], inside[-1])
    else:
        assert low > high


def test_as_many_voxels_have_a_pixel_as_can() -> None:
    voxels, _, place = sorted_voxels(frame_points(depth_picture(160, 120), 150.0), 0.009)
    found = fit_pinhole(voxels, Camera(2, False, place))
    assert found is not None
    seen = np.stack([voxels[:, 0], voxels[:, 1], found.camera.distances(voxels[:, 2])], axis=1)
    sight = Sight(found.camera, found.width, found.height, seen)
    options = candidates(sight)
    shown, is_shown = picture(sight, options)
    rows, columns = np.nonzero(options >= 0)
    size = (len(voxels), found.width * found.height)
    graph = csr_matrix((np.ones(len(rows)), (rows, options[rows, columns])), shape=size)
    matched = maximum_bipartite_matching(graph, perm_type="column") >= 0
    assert is_shown.sum() == matched.sum()
    np.testing.assert_array_equal(np.unique(shown[shown >= 0]), np.flatnonzero(is_shown))
    # Every pixel shows a voxel that its ray passes.
    pixels = np.flatnonzero(shown.ravel() >= 0)
    assert (options[shown.ravel()[pixels]] == pixels[:, None]).any(axis=1).all()
