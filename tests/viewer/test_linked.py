"""Linked views show their own layers from one camera."""

from __future__ import annotations

import numpy as np
from geo3d_viewer.linked import Shown, is_in, linked_picture, seen_in
from geo3d_viewer.scene import PointLayer, Scene

from geo3d.types import PointCloud


def test_a_view_holds_its_layers_and_what_lies_under_them() -> None:
    assert is_in("a/b", ("a",))
    assert is_in("a", ("a",))
    assert not is_in("ab", ("a",))
    assert is_in("anything", ())


def test_each_panel_has_its_own_layer_at_the_same_place() -> None:
    p = np.random.default_rng(0).uniform(-1, 1, (3000, 3))
    colors = {"red": (230, 20, 20), "blue": (20, 20, 230)}
    layers = tuple(PointLayer(n, PointCloud(p, np.full((3000, 3), c, np.uint8))) for n, c in colors.items())
    scene = Scene(layers)
    assert seen_in(scene, ("red",)).names == ("red",)
    image, camera = linked_picture(Shown(scene, (("one", ("red",)), ("two", ("blue",)))), (200, 150))
    pixels = image.astype(int)
    red, blue = pixels[..., 0] - pixels[..., 2] > 60, pixels[..., 2] - pixels[..., 0] > 60
    left, right = red[:, :200], blue[:, -200:]
    assert left.sum() > 1000
    assert not blue[:, :200].any()
    assert (left == right).mean() > 0.99
    again, _ = linked_picture(Shown(scene, (("one", ("red",)), ("two", ("blue",)))), (200, 150), camera)
    assert np.array_equal(image, again)
