"""Panels stand where they should, under titles that stay inside; bars are as high as their counts."""

from __future__ import annotations

import numpy as np
import pytest
from geo3d_viewer.palette import Legend
from geo3d_viewer.panels import histogram, side_by_side

from geo3d.errors import ShapeError


def plain(value: int) -> np.ndarray:
    return np.full((60, 100, 3), value, np.uint8)


def test_panels_keep_their_pixels_in_rows() -> None:
    sheet = side_by_side([plain(10), plain(20), plain(30)], ["a", "b", "c"], columns=2)
    assert sheet.shape[1] == 208
    assert np.array_equal(sheet[-60:, :100], plain(30))
    first = sheet[30:80]
    assert (first[:, :100] == 10).all()
    assert (first[:, 108:] == 20).all()


def test_a_title_that_is_too_long_is_cut_at_its_panel() -> None:
    long = "distances " * 20
    one, two = (side_by_side([plain(10), plain(10)], titles) for titles in ([long, ""], [long, long]))
    assert one.shape == two.shape
    head = one.shape[0] - 60
    # Nothing of the first title stands over the second panel.
    assert (one[:head, 104:] == one[0, -1]).all()
    assert (two[:head, 108:] != two[0, -1]).any()


def test_titles_and_pictures_belong_together() -> None:
    with pytest.raises(ShapeError, match="2 pictures and 1 titles"):
        side_by_side([plain(1), plain(2)], ["a"])


def test_a_bar_is_as_high_as_its_count() -> None:
    values = np.repeat([0.05, 0.55], [10, 40])
    chart = histogram(np.append(values, [7.0, np.nan]), Legend("m", 0.0, 1.0), (400, 300), bins=10).astype(int)
    drawn = np.abs(chart - chart[0, 0]).max(axis=2) > 30
    left, right = 24, 380
    heights = [drawn[24 : 300 - 36, int(left + (right - left) * (k + 0.5) / 10)].sum() for k in range(10)]
    assert heights[0] / heights[5] == pytest.approx(10 / 40, abs=0.03)
    assert heights[9] / heights[5] == pytest.approx(1 / 40, abs=0.03)
    assert heights[3] <= 1
