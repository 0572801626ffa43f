"""A few steps of training run, resume and leave weights that the codec takes."""

import json
from pathlib import Path

import numpy as np
import pytest
from geo3d_compression.octree.training.blocks import KINDS, save, to_bytes
from geo3d_compression.upsample.network import IntegerUpsampler
from geo3d_compression.upsample.training import task
from geo3d_compression.upsample.training.samples import draw
from safetensors.numpy import load_file


def ball() -> np.ndarray:
    u = np.random.default_rng(0).normal(size=(60_000, 3))
    return np.unique(np.rint(u / np.linalg.norm(u, axis=1, keepdims=True) * 40 + 50).astype(np.int64), axis=0)


def test_samples_ask_for_the_voxels_of_inner_cells() -> None:
    rng = np.random.default_rng(1)
    drawn = [s for s in (draw(ball(), 40, 4000, rng) for _ in range(12)) if s is not None]
    assert drawn
    for s in drawn:
        assert 0 < s.occupied.mean() < 1
        assert s.owner.max() < len(s.table)
        assert s.phases.min() >= 0
        assert s.phases.max() < 16
        # The voxels of every cell that was asked for hold at least one that is occupied.
        assert np.bincount(s.owner, s.occupied)[np.unique(s.owner)].min() >= 1


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_task_trains_resumes_and_exports(tmp_path: Path) -> None:
    save(tmp_path / "blocks0.safetensors", [(to_bytes(ball(), 7), 7, KINDS.index("surface"))])
    settings = {"window": 40, "voxels": 2000, "channels": 8, "hidden": 16, "head": 8, "shares": [1.0, 0.0, 0.0, 0.0]}
    for steps in (3, 5):
        task.train({"sets": [{}], "fit": {**settings, "steps": steps}}, tmp_path)
    card = json.loads((tmp_path / "upsample.json").read_text())
    assert card["steps"] == 5
    IntegerUpsampler(load_file(tmp_path / "upsample.safetensors"))
