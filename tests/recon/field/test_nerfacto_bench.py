"""The comparison with nerfacto: what both methods are asked for (its training runs only where nerfstudio is)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from geo3d_recon.bench.nerfacto import held_out, pixels, psnr


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
