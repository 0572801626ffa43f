"""The shelf works things out once, and forgets the oldest."""

from __future__ import annotations

import numpy as np
import pytest

from geo3d.registration.dense import frame_maps
from geo3d.registration.frames import shelf as module
from geo3d.registration.frames.shelf import Shelf, common_voxel
from geo3d.types import PinholeCamera, RGBDFrame


def flat(depth: int) -> RGBDFrame:
    camera = PinholeCamera(64, 48, 60.0, 60.0, 31.5, 23.5)
    return RGBDFrame(np.full((48, 64), depth, np.uint16), camera)


def test_frames_are_worked_out_once_until_they_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def counted(frame: RGBDFrame) -> object:
        made.append(frame)
        return frame_maps(frame)

    monkeypatch.setattr(module, "frame_maps", counted)
    shelf = Shelf(2)
    a, b, c = (flat(d) for d in (1000, 1500, 2000))
    for frame in (a, b, a, c):
        assert shelf.maps(frame) is shelf.maps(frame)
    assert made == [a, b, c]
    shelf.maps(b)
    assert made == [a, b, c, b]


def test_a_pair_shares_one_grid_in_steps() -> None:
    maps = [frame_maps(flat(d)) for d in (1000, 1010, 2000)]
    assert common_voxel(maps[0], maps[2]) == common_voxel(maps[2], maps[0]) >= 2 / 45
    assert common_voxel(maps[0], maps[0]) == common_voxel(maps[1], maps[1])
    described = Shelf().pair(flat(1000), flat(2000))
    assert described[0].voxel == described[1].voxel
