"""Colour transforms are bijections on RGB that fit their declared ranges."""

import numpy as np
import pytest
from geo3d_compression.attributes.color import RANGES, ColorSurvey, forward, inverse, rgb_to_ycocg
from geo3d_compression.attributes.lattice import REMAINDERS, STEPS, jpeg_to_rgb, possible, rgb_to_jpeg
from numpy.typing import NDArray


def many_colours() -> NDArray[np.uint8]:
    axis = np.array([0, 1, 2, 127, 128, 253, 254, 255], np.uint8)
    corners = np.stack(np.meshgrid(axis, axis, axis), -1).reshape(-1, 3)
    return np.concatenate([corners, np.random.default_rng(0).integers(0, 256, (100_000, 3)).astype(np.uint8)])


@pytest.mark.parametrize("transform", list(RANGES))
def test_every_corner_and_many_colours_come_back(transform: str) -> None:
    colors = many_colours()
    coded = forward(colors, transform)
    assert np.array_equal(inverse(coded, transform), colors)
    for k, (low, high) in enumerate(RANGES[transform]):
        assert coded[:, k].min() >= low
        assert coded[:, k].max() <= high


def test_known_values() -> None:
    rgb = np.array([[255, 255, 255], [255, 0, 0], [0, 0, 255], [7, 7, 7]], np.uint8)
    assert rgb_to_ycocg(rgb).tolist() == [[255, 0, 0], [63, 255, -127], [63, -255, -127], [7, 0, 0]]
    assert rgb_to_jpeg(rgb).tolist() == [[255, 0, 0, 0], [76, -43, 128, 0], [29, 128, -21, 0], [7, 0, 0, 0]]


@pytest.mark.slow
def test_rounding_to_jpeg_moves_no_colour_by_more_than_one() -> None:
    axis = np.arange(256, dtype=np.uint8)
    green, blue = (a.ravel() for a in np.meshgrid(axis, axis))
    for red in range(256):
        # A step that `STEPS` lacks would come back as another colour.
        rgb = np.stack([np.full(65536, red, np.uint8), green, blue], axis=1)
        assert np.array_equal(jpeg_to_rgb(rgb_to_jpeg(rgb)), rgb)


def test_possible_steps_are_those_that_round_back() -> None:
    found = np.zeros(REMAINDERS, np.int64)
    for rgb in many_colours()[::500]:
        y, cb, cr, remainder = rgb_to_jpeg(rgb[None])[0]
        steps = found[: possible(y, cb, cr, found)].tolist()
        assert remainder in steps
        around = jpeg_to_rgb(np.column_stack([np.tile([y, cb, cr], (REMAINDERS, 1)), np.arange(REMAINDERS)]))
        inside = np.flatnonzero(((around >= 0) & (around <= 255)).all(axis=1))
        back = rgb_to_jpeg(around[inside].astype(np.uint8))
        assert steps == inside[(back[:, :3] == [y, cb, cr]).all(axis=1)].tolist()
    assert possible(0, 128, 128, found) == 0
    assert STEPS[0].tolist() == [0, 0, 0]


def test_colours_that_were_y_cb_cr_are_found() -> None:
    colors = many_colours()
    channels = rgb_to_jpeg(colors)
    channels[:, 3] = 0
    for rgb, best in ((colors, "green"), (jpeg_to_rgb(channels).astype(np.uint8), "jpeg")):
        choice = ColorSurvey()
        choice.add(rgb)
        assert choice.best() == best


def test_a_palette_is_told_from_a_picture_piece_by_piece() -> None:
    palette = np.arange(48, dtype=np.uint8).reshape(16, 3)
    survey = ColorSurvey()
    for piece in (palette[:9], palette[5:], palette[[3, 3, 15]]):
        survey.add(piece)
        assert survey.are_few()
    survey.add(np.array([[200, 0, 0]], np.uint8))
    assert not survey.are_few()
