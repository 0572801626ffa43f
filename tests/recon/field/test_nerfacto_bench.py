"""The comparison with nerfacto: what both methods are asked for (its training runs only where nerfstudio is)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from geo3d_recon.bench.nerfacto import coloured_mesh, held_out, mesh_rows, pixels, pixels_of, psnr, quality
from geo3d_recon.field.options import FieldOptions
from geo3d_recon.field.scan import reconstruct_field

from geo3d.io import open_rgbd
from geo3d.ops import undistort


def test_every_eighth_frame_is_held_out_of_both(samples: Path) -> None:
    held, kept = held_out(samples / "box_desk")
    assert held == [0, 8, 16, 24]
    assert not set(held) & set(kept)
    assert len(held) + len(kept) == 25


def test_both_are_asked_for_the_same_pixels() -> None:
    row, column = pixels(3, (480, 640))
    again = pixels(3, (480, 640))
    assert (row == again[0]).all()
    assert (column == again[1]).all()
    assert row.min() >= 0
    assert 400 < row.max() < 480
    assert 560 < column.max() < 640
    assert (pixels(4, (480, 640))[0] != row).any()


def test_decibels() -> None:
    assert psnr(np.zeros((5, 3)), np.full((5, 3), 0.1)) == pytest.approx(20.0)


def test_quality_is_of_the_pixels_that_are_asked_for(samples: Path) -> None:
    folder = samples / "box_desk"
    dataset = open_rgbd(folder)
    truths = []
    for k, i in enumerate(held_out(folder)[0]):
        frame = undistort(dataset.load(i))
        assert frame.color is not None
        truths.append(frame.color[pixels_of(k, frame)] / 255)
    mesh = coloured_mesh(folder)
    found = quality(folder, [t + 0.1 for t in truths], mesh)
    assert found["held_out"] == 4
    assert found["psnr"] == pytest.approx(20.0)
    assert found["psnr_covered"] == pytest.approx(20.0)
    (row,) = mesh_rows(folder)
    # Half of each picture is beside the mesh, and black.
    assert 5 < row["psnr"] < row["psnr_covered"] - 5


def test_the_clock_is_the_one_that_was_given(samples: Path) -> None:
    ticks = iter(range(10_000))
    options = FieldOptions(minutes=1.0, clock=lambda: 30.0 * next(ticks), batch=64, calibrate=False, refine=False)
    reconstruct_field(samples / "box_desk", options, frames=range(0, 25, 8))
    # It is read at the start and after each step: at its third reading the minute is over.
    assert next(ticks) == 3
