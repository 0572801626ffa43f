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


@pytest.mark.filterwarnings("ignore")
def test_a_partner_is_mixed_in_and_stays_out_of_the_weights(tmp_path: Path) -> None:
    import torch
    from geo3d_compression.octree.training.batches import assemble
    from geo3d_compression.octree.training.fit import level_loss
    from geo3d_compression.octree.training.start import stored_network

    plane = np.argwhere(np.ones((16, 16, 1), bool))
    blocks.save(tmp_path / "blocks0.safetensors", [(blocks.to_bytes(plane, 4), 4, 0)])
    config = {"name": "one", "sets": [{"surfaces": 0, "frames": 0, "sweeps": 0}], "fit": {**_FIT, "steps": 6}}
    task.train(config, tmp_path)
    before = (tmp_path / "one.safetensors").read_bytes()
    (tmp_path / "last.ckpt").unlink()
    partner = str(tmp_path / "one.safetensors")
    task.train({**config, "name": "two", "fit": {**_FIT, "steps": 6, "partner": partner, "causal": True}}, tmp_path)
    assert (tmp_path / "one.safetensors").read_bytes() == before
    one, two = (set(load_file(tmp_path / f"{name}.safetensors")) for name in ("one", "two"))
    assert two - one == {"near", "far"}
    assert one < two
    # Mixed with weights 1 and 0 it is the network alone, with 0 and 1 the partner.
    one, two = (stored_network(tmp_path / f"{name}.safetensors") for name in ("one", "two"))
    levels = assemble([plane], 4)
    for weights, expected in (((1.0, 0.0), two), ((0.0, 1.0), one)):
        two.mix = torch.tensor(weights)[:, None].repeat(1, 8)
        mixed, _, _ = level_loss(two, levels, one)
        torch.testing.assert_close(mixed, level_loss(expected, levels)[0])
