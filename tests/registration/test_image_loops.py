"""The vectorised image loops against the plainest loops."""

import numpy as np
import pytest

from geo3d.registration.dense._image import list_points, reduce_depth, resample_area


@pytest.mark.parametrize("factor", [2, 3])
def test_depth_is_reduced_to_the_nearest_surface_of_each_block(factor: int) -> None:
    rng = np.random.default_rng(factor)
    depth = rng.uniform(1.0, 1.06, (17, 20)).astype(np.float32)
    depth[rng.uniform(size=depth.shape) < 0.3] = 0
    depth[:, 10:] *= 2
    found = reduce_depth(depth, factor)
    for v in range(17 // factor):
        for u in range(20 // factor):
            block = depth[v * factor : (v + 1) * factor, u * factor : (u + 1) * factor]
            near = block[block > 0].min(initial=np.inf)
            front = block[(block > 0) & (block <= np.float32(1.03) * near)]
            expected = front.mean() if 2 * len(front) >= factor**2 else 0.0
            assert found[v, u] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("height", "width"), [(6, 10), (5, 7), (12, 20), (30, 45), (30, 7)])
def test_area_resampling_is_the_mean_of_the_footprint(height: int, width: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (12, 20, 3)).astype(np.uint8)
    found = resample_area(image, height, width)
    assert found.shape == (height, width, 3)
    for v in range(height):
        v0 = v * 12 // height
        for u in range(width):
            u0 = u * 20 // width
            part = image[v0 : max(v0 + 1, (v + 1) * 12 // height), u0 : max(u0 + 1, (u + 1) * 20 // width)]
            assert np.allclose(found[v, u], part.reshape(-1, 3).mean(axis=0), atol=1e-4)


def test_points_are_listed_in_raster_order() -> None:
    depth = np.array([[0, 2.0, 1.0], [4.0, 0, 3.0]], np.float32)
    normals = np.zeros((2, 3, 3), np.float32)
    normals[..., 2] = -1
    normals[0, 2] = 0  # no normal: left out
    grey = np.arange(6, dtype=np.float32).reshape(2, 3)
    rows = list_points(depth, normals, grey, 2.0, 4.0, 1.0, 0.5)
    assert rows[:, 6].tolist() == [1, 3, 5]
    assert rows[:, :3].tolist() == [[0, -0.25, 2], [-2, 0.5, 4], [1.5, 0.375, 3]]
    assert rows.dtype == np.float32
