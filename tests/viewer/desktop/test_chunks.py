"""Cubes of a large cloud and their coarse stand-in, on a scene that only keeps a record."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from geo3d_viewer.desktop.chunks import Chunks, Look
from geo3d_viewer.lod import FIRST_POINTS
from geo3d_viewer.octree import build_octree
from geo3d_viewer.scene import PointLayer

from geo3d.types import PointCloud

pytest.importorskip("open3d")

POINTS = 120_000


class Recorder:
    """What an Open3D scene would show: points by name."""

    def __init__(self) -> None:
        self.points: dict[str, int] = {}
        self.hidden: set[str] = set()

    def add_geometry(self, name: str, cloud: Any, _material: Any) -> None:
        assert name not in self.points
        self.points[name] = len(cloud.point.positions)

    def remove_geometry(self, name: str) -> None:
        del self.points[name]
        self.hidden.discard(name)

    def show_geometry(self, name: str, is_visible: bool) -> None:
        assert name in self.points
        (self.hidden.discard if is_visible else self.hidden.add)(name)

    @property
    def seen(self) -> int:
        return sum(n for name, n in self.points.items() if name not in self.hidden)


@pytest.fixture
def drawn() -> tuple[Recorder, Chunks, Look]:
    cloud = PointCloud(np.random.default_rng(0).uniform(-1, 1, (POINTS, 3)))
    tree = build_octree(cloud, 10_000)
    scene = Recorder()
    chunks = Chunks(scene, "a", tree, np.zeros(3), np.array([0.0, 0, 1]))
    look = Look(PointLayer("a", tree.cloud), None, None, None)
    chunks.aim(tree.counts, look)
    while chunks.step():
        pass
    return scene, chunks, look


def test_few_points_stand_for_all_while_the_camera_moves(drawn: tuple[Recorder, Chunks, Look]) -> None:
    scene, chunks, _ = drawn
    assert scene.seen == POINTS
    for _ in range(2):
        chunks.move(True)
        assert 0 < scene.seen <= FIRST_POINTS
        chunks.move(True)
        chunks.move(False)
        assert scene.seen == POINTS


def test_a_hidden_layer_stays_hidden_in_motion(drawn: tuple[Recorder, Chunks, Look]) -> None:
    scene, chunks, _ = drawn
    chunks.show(False)
    assert scene.seen == 0
    chunks.move(True)
    assert scene.seen == 0
    chunks.show(True)
    assert 0 < scene.seen <= FIRST_POINTS
    chunks.move(False)
    assert scene.seen == POINTS


def test_the_stand_in_follows_the_look(drawn: tuple[Recorder, Chunks, Look]) -> None:
    scene, chunks, look = drawn
    chunks.move(True)
    chunks.move(False)
    corner = (np.array([-1.0, -1, -1]), np.zeros(3))
    chunks.aim(chunks.tree.counts, Look(look.layer, corner, None, None))
    while chunks.step():
        pass
    eighth = scene.seen
    assert eighth == pytest.approx(POINTS / 8, rel=0.05)
    chunks.move(True)
    assert scene.seen == pytest.approx(FIRST_POINTS / 8 * POINTS / (FIRST_POINTS * -(-POINTS // FIRST_POINTS)), rel=0.1)
    chunks.remove()
    assert not scene.points
