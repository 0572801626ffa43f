"""The window's settings are values; each control makes a new one."""

from __future__ import annotations

import numpy as np
from geo3d_viewer.desktop.state import WindowState
from geo3d_viewer.scene import LineLayer, MeshLayer, PointLayer, Scene

from geo3d.types import PointCloud, TriangleMesh

BOX = np.array([[0, 0, 0], [1, 1, 1.0]])


def scene() -> Scene:
    p = np.linspace(0, 1, 11)[:, None] * [1, 1, 1]
    colored = PointCloud(p, np.zeros((11, 3), np.uint8), attributes={"intensity": np.arange(11.0)})
    mesh = TriangleMesh(np.array([[0, 0, 0], [0.4, 0, 0], [0, 0.4, 0], [1, 1, 1]]), np.array([[0, 1, 2], [1, 2, 3]]))
    line = LineLayer("c", np.array([[[0, 0, 0], [0.1, 0, 0]], [[0, 0, 0], [1, 0, 0.0]]]), np.zeros((2, 3), np.uint8))
    return Scene((PointLayer("a", colored), MeshLayer("b", mesh), line))


def test_toggling_twice_gives_the_same_picture() -> None:
    state = WindowState(scene())
    assert [la.name for la in state.toggled("a").drawn(BOX).layers] == ["b", "c"]
    assert state.toggled("a").toggled("a").drawn(BOX).names == ("a", "b", "c")


def test_blinking_shows_one_solid_layer_after_the_other() -> None:
    state = WindowState(scene())
    shown = []
    for _ in range(4):
        state = state.blinked()
        shown.append(state.drawn(BOX).names)
    assert shown == [("a", "c"), ("b", "c"), ("a", "c"), ("b", "c")]


def test_colour_choices_are_of_all_layers_and_apply_where_they_fit() -> None:
    state = WindowState(scene())
    assert state.color_choices == ["auto", "rgb", "height", "intensity", "plain", "normal"]
    for _ in range(3):
        state = state.recolored()
    assert state.color_by == "intensity"
    a, b, _ = state.drawn(BOX).layers
    assert a.color_by == "intensity"
    assert b.color_by == "auto"
    for _ in range(3):
        state = state.recolored()
    assert state.color_by == "auto"


def test_clipping_cuts_points_faces_and_lines() -> None:
    clipped = WindowState(scene(), clip=((0.0, 0.0, 0.0), (0.5, 0.5, 0.5))).drawn(BOX)
    a, b, c = clipped.layers
    assert isinstance(a, PointLayer)
    assert len(a.cloud) == 6
    assert isinstance(b, MeshLayer)
    assert len(b.mesh.faces) == 1
    assert isinstance(c, LineLayer)
    assert len(c.segments) == 1


def test_point_size_has_bounds() -> None:
    state = WindowState(scene())
    assert state.scaled(1e9).point_scale == 10
    assert state.scaled(1e-9).point_scale == 0.1


def test_the_frame_slider_shows_one_frame_or_all() -> None:
    cloud = PointCloud(np.zeros((1, 3)))
    names = ("desk/frames/a", "desk/frames/b", "desk/camera")
    state = WindowState(Scene(tuple(PointLayer(n, cloud) for n in names)))
    assert state.frames == ["a", "b"]
    assert state.at_frame(2).drawn(BOX).names == ("desk/frames/b", "desk/camera")
    assert state.at_frame(2).at_frame(0).drawn(BOX).names == names


def test_refining_keeps_what_is_hidden() -> None:
    coarse, fine = (
        Scene((PointLayer("a", PointCloud(np.zeros((n, 3)))), PointLayer("b", PointCloud(np.zeros((n, 3))))))
        for n in (1, 9)
    )
    state = WindowState(coarse).toggled("a").refined(fine)
    (layer,) = state.drawn(BOX).layers
    assert layer.name == "b"
    assert isinstance(layer, PointLayer)
    assert len(layer.cloud) == 9
