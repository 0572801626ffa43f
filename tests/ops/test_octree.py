import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo3d.errors import ShapeError
from geo3d.ops import morton_encode, octree_children, octree_levels


@given(st.lists(st.integers(0, 8**5 - 1), min_size=1, max_size=60))
def test_occupancy_rebuilds_the_leaves(codes):
    codes = np.array(codes)
    levels = octree_levels(codes, 5)
    assert levels[0].codes.tolist() == [0]
    for upper, lower in itertools.pairwise(levels):
        np.testing.assert_array_equal(octree_children(upper), lower.codes)
    np.testing.assert_array_equal(octree_children(levels[-1]), np.unique(codes))


def test_one_point_in_the_far_corner():
    levels = octree_levels(morton_encode(np.array([[7, 7, 7]])), 3)
    assert [lv.occupancy.tolist() for lv in levels] == [[128], [128], [128]]


def test_empty_and_bad_input():
    assert len(octree_levels(np.zeros(0, np.int64), 4)[0].codes) == 0
    with pytest.raises(ShapeError, match="do not fit"):
        octree_levels(np.array([8]), 1)
    with pytest.raises(ShapeError, match="1 to 21"):
        octree_levels(np.array([0]), 22)
