"""A network that goes on from a smaller one computes what that did, to the last bit of its integers."""

from pathlib import Path

import numpy as np
import pytest
import torch
from geo3d_compression.octree.nn.network import OctreeNetwork
from geo3d_compression.octree.training import batches
from geo3d_compression.octree.training.export import integer_tensors
from geo3d_compression.octree.training.start import start_from, stored_network
from safetensors.numpy import save_file
from torch import Tensor

from geo3d.config import ConfigError


def _network(*sizes: int, refreshes: tuple[int, ...] = (2, 5), deep: int = 0, causal: bool = False) -> OctreeNetwork:
    torch.manual_seed(0)
    return OctreeNetwork(*sizes, refreshes, deep, causal)


def _stored(folder: Path, network: OctreeNetwork) -> Path:
    save_file(integer_tensors(network.state_dict()), folder / "old.safetensors")
    return folder / "old.safetensors"


def _logits(network: OctreeNetwork) -> Tensor:
    voxels = np.unique(np.random.default_rng(0).integers(0, 64, (3000, 3)) // [1, 1, 8], axis=0)
    latent, found = torch.zeros(1, network.channels), []
    with torch.no_grad():
        for level in batches.assemble([voxels], 6):
            inputs = {k: torch.from_numpy(np.asarray(v)) for k, v in level._asdict().items() if k != "weight"}
            logits, latent, _ = network(latent, **inputs)
            found.append(logits)
    return torch.cat(found)


@pytest.mark.parametrize("sizes", [(8, 16, 8), (12, 16, 8), (12, 24, 16)])
def test_grown_networks_compute_the_same(tmp_path: Path, sizes: tuple[int, int, int]) -> None:
    old, new = _network(8, 16, 8), _network(*sizes)
    start_from(new, _stored(tmp_path, old))
    old.quantise = new.quantise = True
    torch.testing.assert_close(_logits(new), _logits(old), rtol=0, atol=1e-4)
    # What was added is there to be trained.
    assert bool(new.conv1[:, -1].any())
    assert bool(new.middle[:, :, -1].any())


def test_deeper_networks_compute_the_same(tmp_path: Path) -> None:
    old, new = _network(8, 16, 8), _network(8, 16, 8, refreshes=(1, 2, 4, 5, 7), deep=2)
    with torch.no_grad():
        old.own_r[1] += 0.3
    start_from(new, _stored(tmp_path, old))
    old.quantise = new.quantise = True
    expected = _logits(old)
    torch.testing.assert_close(_logits(new), expected, rtol=0, atol=1e-4)
    # What was added takes part: every layer has an effect.
    for layer in (new.conv_d[1], new.conv_r[0], new.own_r[2], new.bias_r[4]):
        with torch.no_grad():
            layer += 0.5
        assert not torch.equal(_logits(new), expected)
        with torch.no_grad():
            layer -= 0.5


def test_causal_networks_go_on_from_others_and_from_their_like(tmp_path: Path) -> None:
    old, new = _network(8, 16, 8), _network(8, 16, 8, causal=True)
    start_from(new, _stored(tmp_path, old))
    old.quantise = new.quantise = True
    torch.testing.assert_close(_logits(new), _logits(old), rtol=0, atol=0)
    with torch.no_grad():
        new.near += 0.1
        new.far -= 0.05
    assert not torch.equal(_logits(new), _logits(old))
    again = stored_network(_stored(tmp_path, new))
    torch.testing.assert_close(_logits(again), _logits(new), rtol=0, atol=0)


def test_refreshes_that_would_be_lost_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="refreshes before stages"):
        start_from(_network(8, 16, 8, refreshes=(2, 4)), _stored(tmp_path, _network(8, 16, 8)))


def test_checkpoints_are_read_too(tmp_path: Path) -> None:
    old, new = _network(8, 16, 8), _network(8, 16, 8)
    with torch.no_grad():
        old.conv1 += 0.1
    state = {f"average.{name}": value for name, value in old.state_dict().items()}
    torch.save({"global_step": 3, "state_dict": state}, tmp_path / "last.ckpt")
    start_from(new, tmp_path / "last.ckpt")
    torch.testing.assert_close(_logits(new), _logits(old), rtol=0, atol=0)


def test_smaller_networks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="more than the \\[8, 8, 8\\]"):
        start_from(_network(8, 16, 8), _stored(tmp_path, _network(12, 16, 8)))
