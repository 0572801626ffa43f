"""The samples: named in the notice, small, readable."""

from __future__ import annotations

import numpy as np

from geo3d.io import open_rgbd, read_geometry


def test_every_sample_is_in_the_notice_and_all_are_small(samples):
    notice = (samples / "NOTICE.md").read_text()
    for path in samples.iterdir():
        assert path.name == "NOTICE.md" or f"`{path.name}{'/' if path.is_dir() else ''}`" in notice
    assert sum(p.stat().st_size for p in samples.rglob("*") if p.is_file()) < 11e6


def test_all_samples_open(samples):
    desk = open_rgbd(samples / "box_desk")
    assert len(desk) == 25
    assert all(T is not None for T in desk.T_world_camera)
    assert desk.load(0).color.shape == (480, 640, 3)
    table = read_geometry(samples / "table.ply")
    assert len(table) == 179131
    assert table.colors is not None
    volume = np.load(samples / "brain_mr.npy")
    assert volume.shape == (8, 256, 256)
    assert volume.dtype == np.int16
