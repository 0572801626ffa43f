"""YCoCg-R is a bijection on RGB that fits its declared ranges."""

import numpy as np
from geo3d_compression.attributes.color import RANGES, rgb_to_ycocg, ycocg_to_rgb


def test_every_corner_and_many_colours_come_back() -> None:
    axis = np.array([0, 1, 2, 127, 128, 253, 254, 255], np.uint8)
    corners = np.stack(np.meshgrid(axis, axis, axis), -1).reshape(-1, 3)
    colors = np.concatenate([corners, np.random.default_rng(0).integers(0, 256, (100_000, 3)).astype(np.uint8)])
    coded = rgb_to_ycocg(colors)
    assert np.array_equal(ycocg_to_rgb(coded), colors)
    for k, (low, high) in enumerate(RANGES):
        assert coded[:, k].min() >= low
        assert coded[:, k].max() <= high


def test_known_values() -> None:
    rgb = np.array([[255, 255, 255], [255, 0, 0], [0, 0, 255], [7, 7, 7]], np.uint8)
    assert rgb_to_ycocg(rgb).tolist() == [[255, 0, 0], [63, 255, -127], [63, -255, -127], [7, 0, 0]]
