"""The training task runs, learns, and writes a state that loads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from geo3d_compression.jpeg.priors import unpack_state
from geo3d_compression.rgbd.train_priors import train_priors
from PIL import Image

from geo3d.errors import Geo3DError


@pytest.mark.slow
def test_train(tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    y, x = np.mgrid[:150, :180]
    Image.fromarray(np.stack([x, y, x + y], -1).astype(np.uint8)).save(pictures / "a.png")
    train_priors({"pictures": str(pictures), "rounds": 1, "walk": 2}, tmp_path)
    state = unpack_state((tmp_path / "priors.xz").read_bytes())
    assert (state.counters & 1023 > 0).sum() > 1000
    small = unpack_state((tmp_path / "priors_fast.xz").read_bytes(), small=True)
    assert (small.counters & 1023 > 0).sum() > 1000


def test_an_unknown_model_is_named(tmp_path: Path) -> None:
    Image.new("RGB", (20, 20)).save(tmp_path / "a.png")
    with pytest.raises(Geo3DError, match="models must be of mixture, quick"):
        train_priors({"pictures": str(tmp_path), "models": ["fast"], "held_out": 5}, tmp_path)


def test_no_pictures(tmp_path: Path) -> None:
    with pytest.raises(Geo3DError, match="holds no pictures"):
        train_priors({"pictures": str(tmp_path)}, tmp_path)
