"""The training task end to end on made-up blocks: it learns, resumes, exports what the codec loads."""

import json
from pathlib import Path

import numpy as np
import pytest
from geo3d_compression.octree.network import IntegerNetwork
from geo3d_compression.octree.training import blocks, task
from safetensors.numpy import load_file

from geo3d.config import ConfigError

_FIT = {"nodes": 200, "channels": 8, "hidden": 8, "head": 8, "refreshes": [3], "shares": [1, 0, 0, 0, 0], "rate": 0.01}


@pytest.mark.filterwarnings("ignore")
def test_fit_resume_export(tmp_path: Path) -> None:
    plane = np.argwhere(np.ones((16, 16, 1), bool))
    blocks.save(tmp_path / "blocks0.safetensors", [(blocks.to_bytes(plane, 4), 4, 0)])
    for steps in (6, 12):
        config = {"name": "tiny", "sets": [{"surfaces": 0, "frames": 0, "sweeps": 0}], "fit": {**_FIT, "steps": steps}}
        task.train(config, tmp_path)
        card = json.loads((tmp_path / "tiny.json").read_text())
        assert card["steps"] == steps
        assert card["settings"]["fit"]["channels"] == 8
    assert IntegerNetwork(load_file(tmp_path / "tiny.safetensors")).channels == 8


def test_unknown_settings_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="stepz"):
        task.train({"fit": {"stepz": 1}}, tmp_path)
