import numpy as np
import pytest
import torch

from geo3d.errors import ShapeError
from geo3d.ops import depth_edges, flying_pixels, remove_flying_pixels
from geo3d.types import PinholeCamera, RGBDFrame


def step():
    depth = np.full((10, 12), 1.0)
    depth[:, 6:] = 2.0
    return depth


@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
def test_a_step_is_an_edge_on_both_sides(kind):
    edges = np.asarray(depth_edges(kind(step())))
    truth = np.zeros((10, 12), dtype=bool)
    truth[:, 5:7] = True
    np.testing.assert_array_equal(edges, truth)


def test_holes_and_slopes_are_no_edges():
    depth = np.tile(np.linspace(1, 1.3, 12), (10, 1))
    depth[4, 4] = 0
    depth[2, 2] = np.nan
    assert not depth_edges(depth).any()


@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
def test_mixed_pixels_between_two_surfaces_are_flying(kind):
    depth = step()
    depth[:, 6] = 1.5
    np.testing.assert_array_equal(np.asarray(flying_pixels(kind(depth))), depth == 1.5)


def test_corners_of_surfaces_stay():
    depth = np.full((10, 12), 2.0)
    depth[3:6, 3:6] = 1.0
    assert not flying_pixels(depth).any()


def test_removal_touches_only_flying_pixels():
    depth = (step() * 1000).astype(np.uint16)
    depth[:, 6] = 1500
    frame = RGBDFrame(depth, PinholeCamera(12, 10, 10, 10, 5.5, 4.5))
    out = remove_flying_pixels(frame)
    np.testing.assert_array_equal(out.depth, np.where(depth == 1500, 0, depth))
    assert (depth == frame.depth).all()


def test_wrong_shape():
    with pytest.raises(ShapeError, match=r"\[H, W\]"):
        depth_edges(np.zeros(4))
