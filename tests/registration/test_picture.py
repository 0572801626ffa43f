"""The before-and-after picture: two panels, source and target told apart, refusals framed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from geo3d.registration.picture import PANEL, write_before_after
from geo3d.types import PointCloud


def picture(path: Path, T: np.ndarray, accepted: bool = True) -> np.ndarray:
    rng = np.random.default_rng(0)
    square = np.c_[rng.uniform(-1, 1, (20_000, 2)), np.full(20_000, 3.0)]
    write_before_after(path, PointCloud(square + [5.0, 0, 0]), PointCloud(square), T, accepted)
    return np.asarray(Image.open(path)).astype(int)


def drawn(panel: np.ndarray) -> np.ndarray:
    """Columns that hold a point of the source (orange), and of the target (blue)."""
    orange = (panel[..., 0] > panel[..., 2] + 60).any(0)
    blue = (panel[..., 2] > panel[..., 0] + 60).any(0)
    return np.stack([orange, blue])


def test_the_move_brings_the_clouds_together(tmp_path: Path) -> None:
    T = np.eye(4)
    T[0, 3] = -5
    image = picture(tmp_path / "p.png", T)
    assert image.shape == (PANEL, 2 * PANEL + 8, 3)
    before, after = drawn(image[:, :PANEL]), drawn(image[:, -PANEL:])
    assert not (before[0] & before[1]).any()
    assert (after[0] & after[1]).mean() > 0.5


def test_a_refused_pose_is_framed(tmp_path: Path) -> None:
    refused, accepted = (picture(tmp_path / "p.png", np.eye(4), accepted=a) for a in (False, True))
    assert (refused[:6, -PANEL:] == [220, 40, 40]).all()
    assert not (accepted[:6, -PANEL:] == [220, 40, 40]).all()
