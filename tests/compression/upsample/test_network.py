"""Integers in float32 and integers proper give the same logits, on any number of threads, and those of training."""

import numpy as np
import pytest
import torch
from geo3d_compression.octree.morton import morton_encode
from geo3d_compression.upsample.lattice import phases, ranges
from geo3d_compression.upsample.network import IntegerUpsampler, check_bounds
from geo3d_compression.upsample.nn.network import UpsampleNetwork
from geo3d_compression.upsample.structure import Structure, structure
from geo3d_compression.upsample.training.export import integer_tensors
from geo3d_compression.upsample.weights import load_weights, weights_id

from geo3d.errors import BitstreamError


def sphere(radius: float = 9.0) -> np.ndarray:
    grid = np.stack(np.meshgrid(*[np.arange(24)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    return grid[np.abs(np.linalg.norm(grid - 11.3, axis=1) - radius) < 0.6]


CELLS = sphere()
CELLS = CELLS[np.argsort(morton_encode(CELLS))]
SCALE = 40


def levels() -> Structure:
    return structure(morton_encode(CELLS), 5)


def logits(network: IntegerUpsampler) -> np.ndarray:
    of = ranges(CELLS, SCALE, 8)
    return network.logits(network.features(levels(), 5, 7), *phases(CELLS, of, SCALE), 5)


def test_floats_hold_exact_integers_on_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = logits(IntegerUpsampler(load_weights(), dtype=np.int64))
    assert np.unique(truth).size > 100
    for threads, block, voxels in ((1, 4096, 1 << 16), (2, 100, 777), (3, 1, 5000)):
        monkeypatch.setattr("geo3d_compression.upsample.network.BLOCK_NODES", block)
        monkeypatch.setattr("geo3d_compression.upsample.network._BLOCK_VOXELS", voxels)
        assert np.array_equal(logits(IntegerUpsampler(load_weights(), threads)), truth)


def test_training_sees_what_the_codec_computes() -> None:
    torch.manual_seed(0)
    network = UpsampleNetwork(8, 16, 8)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    network.quantise = True
    s, of = levels(), ranges(CELLS, SCALE, 8)
    owner, place = phases(CELLS, of, SCALE)
    with torch.no_grad():
        floats = network(
            torch.from_numpy(s.parents.neighbours[:-1].astype(np.int64)),
            torch.from_numpy(s.occupancy[:-1].astype(np.int64)),
            torch.from_numpy(s.cells.neighbours[:-1].astype(np.int64)),
            torch.from_numpy(s.cells.parent[:-1].astype(np.int64)),
            torch.from_numpy(s.cells.octant[:-1].astype(np.int64)),
            5, 7, torch.from_numpy(owner.astype(np.int64)), torch.from_numpy(place.astype(np.int64)),
        )  # fmt: skip
    ours = logits(IntegerUpsampler(integer_tensors(network.state_dict())))
    expected = np.floor(floats.numpy().astype(np.float64) * 256 + 0.5).clip(-2815, 2815)
    # Float sums may round an activation to the other side.
    assert (ours == expected).mean() > 0.98
    assert np.abs(ours - expected).max() <= 8


def test_weights_that_leave_the_exact_range_are_refused() -> None:
    tensors = dict(load_weights())
    check_bounds(tensors)
    tensors["conv2"] = tensors["conv2"] + 200
    with pytest.raises(BitstreamError, match="conv2"):
        IntegerUpsampler(tensors)


def test_the_weights_are_named_by_their_content() -> None:
    assert len(weights_id()) == 8
