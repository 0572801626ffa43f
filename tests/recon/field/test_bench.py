"""The benchmark's own parts: the mesh's picture against what the sensor saw, and whole rows of a small run."""

from __future__ import annotations

import numpy as np
import pytest
from geo3d_recon.bench.field import METHODS, SUITE, compare, mesh_picture
from geo3d_recon.field import FieldOptions

from geo3d.io import open_rgbd
from geo3d.scan.fusion import fuse
from geo3d.scan.options import ScanOptions


def test_the_mesh_is_seen_where_the_frame_saw_it(walk_folder):
    dataset = open_rgbd(walk_folder)
    mesh = fuse(dataset, dict(enumerate(dataset.T_world_camera)), ScanOptions()).mesh
    frame = dataset.load(5)
    picture, mask = mesh_picture(mesh, frame)
    assert mask.mean() > 0.6
    wanted = frame.color / 255
    assert np.abs(picture - wanted)[mask].mean() < 0.5 * np.abs(wanted.mean(axis=(0, 1)) - wanted)[mask].mean()
    assert not picture[~mask].any()


@pytest.mark.slow
def test_rows_and_summary(walk_folder):
    rows = list(compare(walk_folder, FieldOptions(rays=60_000, batch=4096, refine=False, calibrate=False)))
    assert [r["method"] for r in rows] == list(METHODS)
    assert all(set(r) <= set(SUITE["columns"]) for r in rows)
    gain, cost = SUITE["summary"](rows)
    assert gain["psnr_covered"] > 1.5
    assert abs(cost["psnr"]) < 0.3
