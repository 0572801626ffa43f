"""Plots put numbers where they belong."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from geo3d_viewer.report.plots import Series, line_plot, ticks
from hypothesis import given
from hypothesis import strategies as st

from geo3d.errors import ShapeError


def polyline(svg: str, k: int = 0) -> np.ndarray:
    points = ET.fromstring(svg).findall(".//{*}polyline")[k].attrib["points"]
    return np.array([[float(v) for v in p.split(",")] for p in points.split()])


def test_a_straight_line_stays_straight_and_rises() -> None:
    p = polyline(line_plot([Series("a", np.arange(5.0), 3 * np.arange(5.0))], "x", "y"))
    assert np.allclose(np.diff(p[:, 0]), np.diff(p[:, 0])[0], atol=0.2)
    assert (np.diff(p[:, 1]) < 0).all()


def test_maps_keep_angles() -> None:
    angle = np.linspace(0, 2 * np.pi, 100)
    p = polyline(line_plot([Series("a", np.cos(angle), np.sin(angle))], "x", "y", (600, 300), equal=True))
    assert np.ptp(p[:, 0]) == pytest.approx(np.ptp(p[:, 1]), rel=0.01)


def test_axis_labels_stand_at_their_values() -> None:
    svg = line_plot([Series("a", np.array([0.0, 10.0]), np.array([0.0, 1.0]))], "x & y", "y")
    p = polyline(svg)
    labels = {t.text: float(t.attrib["x"]) for t in ET.fromstring(svg).findall(".//{*}text") if "y" in t.attrib}
    assert labels["0"] != labels["10"]
    assert labels["10"] == pytest.approx(p[1, 0], abs=0.2)
    assert "x &amp; y" in svg


def test_several_series_are_named_and_nan_is_left_out() -> None:
    svg = line_plot(
        [Series("ours", np.arange(3.0), np.array([1, np.nan, 2])), Series("peer", np.arange(2.0), np.ones(2))], "x", "y"
    )
    assert len(polyline(svg)) == 2
    assert re.search("ours</text>", svg)
    assert re.search("peer</text>", svg)
    with pytest.raises(ShapeError):
        line_plot([Series("a", np.array([np.nan]), np.array([1.0]))], "x", "y")
    line_plot([Series("one point", np.ones(1), np.ones(1), marks=True)], "x", "y")


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_are_few_round_and_inside(low: float, span: float) -> None:
    values = ticks(low, low + span)
    assert 1 <= len(values) <= 8
    assert min(values) >= low - 1e-6 * span
    assert max(values) <= low + span * (1 + 1e-6)
