"""Colour by this and that."""

from __future__ import annotations

import numpy as np
import pytest
from geo3d_viewer.coloring import color_choices, color_points, color_vertices
from geo3d_viewer.palette import colored_by_value, palette, parse_color

from geo3d.errors import Geo3DError
from geo3d.types import PointCloud, TriangleMesh

Z = np.array([0, 0, 1.0])


def test_palette_runs_from_dark_to_bright() -> None:
    colors = palette(np.linspace(0, 1, 64)).astype(float) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(colors) > -0.5).all()
    assert np.array_equal(palette(np.array([-5.0, np.nan, 9.0])), palette(np.array([0.0, 0.0, 1.0])))


def test_auto_takes_what_the_cloud_has() -> None:
    p = np.random.default_rng(0).normal(size=(50, 3))
    rgb = np.full((50, 3), 7, np.uint8)
    assert np.array_equal(color_points(PointCloud(p, rgb), "auto", Z)[0], rgb)
    colors, legend = color_points(PointCloud(p), "auto", Z)
    assert legend is not None
    assert legend.label == "height (m)"
    assert np.array_equal(np.argsort(colors[:, 1], kind="stable")[[0, -1]] >= 0, [True, True])
    assert colors[np.argmax(p[:, 2])].tolist() == palette(np.array(1.0)).tolist()


def test_attributes_labels_vectors_and_constants() -> None:
    p = np.zeros((6, 3))
    cloud = PointCloud(
        p,
        attributes={
            "label": np.array([0, 1, 2, 2, 1, 0]),
            "flow": np.arange(12.0).reshape(6, 2),
            "bad": np.full(6, np.nan),
        },
    )
    assert color_choices(cloud) == ["height", "label", "flow", "bad"]
    colors, legend = color_points(cloud, "label", Z)
    assert legend is None
    assert len(np.unique(colors, axis=0)) == 3
    legend = color_points(cloud, "flow", Z)[1]
    assert legend is not None
    assert legend.label == "|flow|"
    assert len(color_points(cloud, "bad", Z)[0]) == 6
    assert color_points(cloud, "#ff8000", Z)[0][3].tolist() == [255, 128, 0]
    with pytest.raises(Geo3DError, match=r"cannot colour by 'rgb' \(this layer has: height, label"):
        color_points(cloud, "rgb", Z)


def test_meshes() -> None:
    mesh = TriangleMesh(np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0.0]]), np.array([[0, 1, 2]]))
    assert color_vertices(mesh, "normal", Z)[0].tolist() == [[128, 128, 255]] * 3
    assert len(np.unique(color_vertices(mesh, "auto", Z)[0])) == 3
    with pytest.raises(Geo3DError, match="cannot colour by 'intensity'"):
        color_vertices(mesh, "intensity", Z)


def test_constant_values_and_hex() -> None:
    assert len(colored_by_value(np.ones(3), "x")[0]) == 3
    assert parse_color("#12345") is None
    assert parse_color("#12345g") is None
    assert parse_color("123456#") is None


def test_a_part_is_coloured_as_in_the_whole() -> None:
    p = np.zeros((100, 3))
    p[:, 2] = np.arange(100)
    labels = np.repeat([7, 8, 9, 12], 25)
    whole = PointCloud(p, attributes={"label": labels, "speed": np.linspace(0, 1, 100), "v": p})
    for by in ("height", "label", "speed", "v"):
        colors, legend = color_points(whole, by, Z)
        part, part_legend = color_points(whole[60:], by, Z, whole)
        assert np.array_equal(part, colors[60:])
        assert (legend is None) == (part_legend is None)
        assert legend is None or (legend.low, legend.high) == (part_legend.low, part_legend.high)  # type: ignore[union-attr]


def test_a_mesh_is_coloured_by_an_attribute() -> None:
    values = np.array([0.0, 0.5, 1.0])
    mesh = TriangleMesh(np.eye(3), np.array([[0, 1, 2]]), attributes={"confidence": values})
    assert color_choices(mesh)[-1] == "confidence"
    colors, legend = color_vertices(mesh, "confidence", Z)
    assert legend is not None
    assert legend.label == "confidence"
    assert np.array_equal(colors, colored_by_value(values, "confidence")[0])
