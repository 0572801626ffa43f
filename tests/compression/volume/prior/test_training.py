"""The training task end to end on a made-up volume: it records, learns, resumes, exports what the codec loads."""

import json
from pathlib import Path

import numpy as np
import pytest
from geo3d_compression.volume.prior.state import load_weights
from geo3d_compression.volume.prior.training import task
from geo3d_compression.volume.prior.training.prepare import record
from safetensors.numpy import load_file

from geo3d.config import ConfigError

_FIT = {"windows": 1, "slices": 3, "side": 12, "channels": 4, "features": 4, "hidden": 8, "head": 8}


def volume(slices: int = 5) -> np.ndarray:
    rng = np.random.default_rng(0)
    return (rng.normal(0, 4, (slices, 20, 20)).cumsum(1) + 100).astype(np.int16)


@pytest.mark.filterwarnings("ignore")
def test_prepare_fit_resume_export(tmp_path: Path) -> None:
    np.save(tmp_path / "made_up.npy", volume())
    prepare = {"windows": {"made_up": 2}, "slices": 5, "side": 16, "warm": 1}
    for steps in (2, 4):
        task.train({"data": str(tmp_path), "prepare": prepare, "fit": {**_FIT, "steps": steps}}, tmp_path / "run")
        card = json.loads((tmp_path / "run" / "prior.json").read_text())
        assert card["steps"] == steps
        assert card["settings"]["fit"]["channels"] == 4
    weights = load_weights(load_file(tmp_path / "run" / "prior.safetensors"))
    assert weights.gate_state.shape == (3, 3, 4, 8)


def test_targets_and_ranks_are_in_units_of_the_noise() -> None:
    inputs, target, planes = record(volume())
    assert inputs.shape[:3] == target.shape[:3] == planes.shape[:3] == (5, 20, 20)
    assert (planes[0] == 0).all()
    assert (planes[1] != 0).any()
    coded = target[..., 1] > 0
    assert coded.mean() > 0.9
    # Noise of standard deviation 4 at most: a rank is less than a scale, distances are scales.
    assert 0.2 < np.median(target[2:][coded[2:]][:, 1]) < 2
    assert 0.3 < np.abs(target[2:][coded[2:]][:, 0]).mean() < 3


def test_unknown_settings_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="stepz"):
        task.train({"fit": {"stepz": 1}}, tmp_path)
