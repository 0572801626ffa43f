import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geo3d.errors import ShapeError
from geo3d.ops import pool_mean, voxelize
from geo3d.ops.voxelize import unique_voxels


@given(arrays(np.int64, st.tuples(st.integers(0, 40), st.just(3)), elements=st.integers(-(2**40), 2**40)))
def test_unique_voxels_match_numpy_on_rows(coords):
    unique, inverse, counts = unique_voxels(coords)
    truth, t_inverse, t_counts = np.unique(coords.reshape(-1, 3), axis=0, return_inverse=True, return_counts=True)
    np.testing.assert_array_equal(unique, truth)
    np.testing.assert_array_equal(inverse, t_inverse.reshape(-1))
    np.testing.assert_array_equal(counts, t_counts)


def test_order_does_not_depend_on_the_input_order_or_kind():
    rng = np.random.default_rng(0)
    p = rng.uniform(-5, 5, (500, 3))
    a = voxelize(p, 0.5)
    b = voxelize(p[rng.permutation(500)], 0.5)
    t = voxelize(torch.from_numpy(p), 0.5)
    np.testing.assert_array_equal(a.coords, b.coords)
    np.testing.assert_array_equal(a.coords, t.coords.numpy())
    np.testing.assert_array_equal(a.inverse, t.inverse.numpy())
    assert a.coords.min() == 0
    assert a.counts.sum() == 500


def test_every_point_lies_in_its_voxel():
    p = np.random.default_rng(1).uniform(-5, 5, (300, 3)) + 1e6
    grid = voxelize(p, 0.3)
    assert np.abs(p - grid.centers()[grid.inverse]).max() <= 0.15 + 1e-9


def test_mean_pooling_keeps_kind_and_is_differentiable():
    p = np.array([[0, 0, 0], [0.1, 0, 0], [2, 0, 0]])
    grid = voxelize(p, 1.0)
    np.testing.assert_allclose(grid.mean(np.array([1.0, 3.0, 5.0])), [2, 5])
    colors = grid.mean(np.array([[0, 1, 2], [255, 1, 3], [7, 8, 9]], dtype=np.uint8))
    assert colors.dtype == np.uint8
    np.testing.assert_array_equal(colors, [[128, 1, 2], [7, 8, 9]])
    v = torch.tensor([1.0, 3.0, 5.0], dtype=torch.float64, requires_grad=True)
    index = torch.from_numpy(grid.inverse)
    assert torch.autograd.gradcheck(lambda x: pool_mean(x, index, 2), (v,))


@pytest.mark.parametrize("cell", [0.0, -1.0, np.nan])
def test_bad_cells_are_refused(cell):
    with pytest.raises(ShapeError, match="positive length"):
        voxelize(np.zeros((1, 3)), cell)


def test_nan_and_tiny_cells_are_refused():
    with pytest.raises(ShapeError, match="NaN"):
        voxelize(np.full((2, 3), np.nan), 1.0)
    with pytest.raises(ShapeError, match="too small"):
        voxelize(np.array([[0.0, 0, 0], [1e6, 0, 0]]), 1e-12)


def test_empty_cloud():
    grid = voxelize(np.zeros((0, 3)), 1.0)
    assert grid.coords.shape == (0, 3)
    assert len(grid.inverse) == 0
