"""The integer network: same logits for any threads, block size and number type, and as torch trains it."""

import numpy as np
import pytest
import torch
from geo3d_compression.octree.levels import child_level, occupancy_of, root_level
from geo3d_compression.octree.morton import morton_encode
from geo3d_compression.octree.network import IntegerNetwork, check_bounds, density_class
from geo3d_compression.octree.nn import sparse_conv
from geo3d_compression.octree.nn.network import OctreeNetwork
from geo3d_compression.octree.training import batches
from geo3d_compression.octree.training.export import integer_tensors
from numpy.typing import NDArray

from geo3d.errors import BitstreamError

DEPTH = 6


def _voxels() -> NDArray[np.int64]:
    return np.unique(np.random.default_rng(0).integers(0, 2**DEPTH, (4000, 3)) // [1, 1, 8], axis=0)


def _network() -> OctreeNetwork:
    torch.manual_seed(0)
    network = OctreeNetwork(8, 16, 8, (2, 5), deep=2)
    network.quantise = True
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.02 * torch.randn_like(parameter)
    return network


def _all_logits(network: IntegerNetwork) -> list[NDArray[np.int32]]:
    level = root_level()
    logits = []
    for occupancy in occupancy_of(np.sort(morton_encode(_voxels())), DEPTH):
        network.begin(level)
        for stage in range(8):
            known = occupancy & np.uint8((1 << stage) - 1)
            found, activations = network.logits(stage, known, level.neighbours)
            assert activations.shape == (level.size, 24)
            logits += [found, activations.astype(np.int32)]
        network.finish(occupancy)
        level = child_level(level, occupancy)
    return logits


@pytest.mark.parametrize(("threads", "block"), [(1, 4096), (2, 64), (3, 7)])
@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_logits_depend_on_nothing_but_the_integers(threads: int, block: int, dtype: type) -> None:
    tensors = integer_tensors(_network().state_dict())
    expected = _all_logits(IntegerNetwork(tensors))
    found = _all_logits(IntegerNetwork(tensors, threads=threads, dtype=dtype, block=block))
    for a, b in zip(expected, found, strict=True):
        np.testing.assert_array_equal(a, b)
    assert len(np.unique(np.concatenate(expected[::2]))) > 100


def test_matches_the_network_that_is_trained() -> None:
    network = _network()
    ours = _all_logits(IntegerNetwork(integer_tensors(network.state_dict())))
    latent = torch.zeros(1, network.channels)
    for index, level in enumerate(batches.assemble([_voxels()], DEPTH)):
        inputs = {k: torch.from_numpy(np.asarray(v)) for k, v in level._asdict().items() if k != "weight"}
        with torch.no_grad():
            logits, latent = network(latent, **inputs)
        for stage in range(8):
            theirs = np.clip(logits[:, stage].numpy() * 256, -2815, 2815)
            np.testing.assert_allclose(ours[2 * (8 * index + stage)], theirs, atol=0.51)


@pytest.mark.parametrize("block", [7, 512])
def test_sparse_convolution_and_its_gradients(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sparse_conv, "_BLOCK_CPU", block)
    table = torch.from_numpy(batches.assemble([_voxels()[:60] >> 3], 3)[2].table)
    n = len(table)
    x = torch.randn(n, 2, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(27 * 2, 3, dtype=torch.float64, requires_grad=True)
    found = sparse_conv.SparseConv27.apply(x, table, weight)
    parts = [[x[q] @ weight[2 * k : 2 * k + 2] for k, q in enumerate(row.tolist()) if q < n] for row in table]
    torch.testing.assert_close(found, torch.stack([torch.stack(p).sum(0) for p in parts]))
    assert torch.autograd.gradcheck(lambda x, w: sparse_conv.SparseConv27.apply(x, table, w), (x, weight))


def test_weights_that_could_leave_the_exact_range_are_refused() -> None:
    tensors = integer_tensors(_network().state_dict())
    check_bounds(tensors)
    for name in ("conv1", "conv2", "up", "middle", "latent_in", "known_in.7", "out", "own", "own_r.1", "conv_r.0"):
        big = {**tensors, name: np.full_like(tensors[name], 1 << 22)}
        with pytest.raises(BitstreamError, match="exact sums"):
            check_bounds(big)


def test_refreshes_out_of_order_are_refused() -> None:
    tensors = integer_tensors(_network().state_dict())
    with pytest.raises(BitstreamError, match="refreshes"):
        check_bounds({**tensors, "own_r.0": tensors["own_r.1"], "own_r.1": tensors["own_r.0"]})


def test_more_activations_than_the_coder_takes_are_refused() -> None:
    tensors = integer_tensors(_network().state_dict())
    middle = np.zeros((8, 120, 16), np.int32)
    with pytest.raises(BitstreamError, match="hidden units"):
        check_bounds({**tensors, "middle": middle, "bias_middle": np.zeros((8, 16), np.int32)})


def test_density_classes() -> None:
    assert [density_class(n, 1) for n in (1, 2, 4, 7)] == [0, 4, 8, 11]
    nodes, parents = np.random.default_rng(0).integers(1, 10_000, (2, 500))
    expected = batches.density_class(nodes, parents)
    assert [density_class(int(a), int(b)) for a, b in zip(nodes, parents, strict=True)] == expected.tolist()
