"""The integer network: same logits for any threads, block size and number type, and as torch trains it."""

from typing import Any

import numpy as np
import pytest
import torch
from geo3d_compression.octree.earlier import earlier_nodes
from geo3d_compression.octree.head import MAX_ROWS, causal_logit, surprise_of
from geo3d_compression.octree.levels import Level, child_level, occupancy_of, root_level
from geo3d_compression.octree.morton import morton_encode
from geo3d_compression.octree.network import IntegerNetwork, check_bounds, density_class
from geo3d_compression.octree.nn import sparse_conv
from geo3d_compression.octree.nn.network import OctreeNetwork
from geo3d_compression.octree.training import batches
from geo3d_compression.octree.training.export import integer_tensors
from numba import njit
from numpy.typing import NDArray

from geo3d.errors import BitstreamError

DEPTH = 6


def _voxels() -> NDArray[np.int64]:
    return np.unique(np.random.default_rng(0).integers(0, 2**DEPTH, (4000, 3)) // [1, 1, 8], axis=0)


def _network(causal: bool = False) -> OctreeNetwork:
    torch.manual_seed(0)
    network = OctreeNetwork(8, 16, 8, (2, 5), deep=2, causal=causal)
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
            activations = np.zeros((level.size, network.units), np.uint8)
            found = network.logits(stage, known, level.neighbours, activations)
            if network.causal:
                _see_earlier(network, level, stage, occupancy & np.uint8((2 << stage) - 1), found, activations)
            logits += [found, activations.astype(np.int32)]
        network.finish(occupancy)
        level = child_level(level, occupancy)
    return logits


def _see_earlier(network: IntegerNetwork, level: Level, stage: int, known: NDArray[np.uint8], *out: Any) -> None:
    """The loop of `code_stage`, in two parts, for a network alone."""
    n = level.size
    surprise = np.zeros(n + 1, np.int8)
    for first, last in ((0, n // 2), (n // 2, n)):
        head = network.head(stage, known, level.neighbours, first, last)
        _loop(head, earlier_nodes(level.neighbours), stage, first, last, known, surprise, *out)


@njit
def _loop(head, earlier, stage, first, last, known, surprise, logits, activations):  # type: ignore[no-untyped-def]
    h1, h2 = np.zeros(64, head.sums.dtype), np.zeros(64, head.sums.dtype)
    rows, factors = np.zeros(MAX_ROWS, np.int64), np.zeros(MAX_ROWS, head.sums.dtype)
    for i in range(first, last):
        base = logits[i]
        logits[i] = causal_logit(
            head, stage, known, surprise, earlier, 0, i, i - first, activations[i], h1, h2, rows, factors
        )
        if stage < 7 or known[i] & 127:
            surprise[i] = surprise_of(base, np.int64(known[i] >> stage & 1))


@pytest.mark.parametrize(("threads", "block"), [(1, 4096), (2, 64), (3, 7)])
@pytest.mark.parametrize("dtype", [np.float32, np.int64])
@pytest.mark.parametrize("causal", [False, True])
def test_logits_depend_on_nothing_but_the_integers(threads: int, block: int, dtype: type, causal: bool) -> None:
    tensors = integer_tensors(_network(causal).state_dict())
    expected = _all_logits(IntegerNetwork(tensors))
    found = _all_logits(IntegerNetwork(tensors, threads=threads, dtype=dtype, block=block))
    for a, b in zip(expected, found, strict=True):
        np.testing.assert_array_equal(a, b)
    assert len(np.unique(np.concatenate(expected[::2]))) > 100


@pytest.mark.parametrize("causal", [False, True])
def test_matches_the_network_that_is_trained(causal: bool) -> None:
    network = _network(causal)
    ours = _all_logits(IntegerNetwork(integer_tensors(network.state_dict())))
    latent = torch.zeros(1, network.channels)
    away = []
    for index, level in enumerate(batches.assemble([_voxels()], DEPTH)):
        inputs = {k: torch.from_numpy(np.asarray(v)) for k, v in level._asdict().items() if k != "weight"}
        with torch.no_grad():
            logits, latent, _ = network(latent, **inputs)
        for stage in range(8):
            theirs = np.clip(logits[:, stage].numpy() * 256, -2815, 2815)
            away.append(np.abs(ours[2 * (8 * index + stage)] - theirs))
    # The coder's probabilities are rounded, so that now and then a surprise is another thirty-second.
    assert np.mean(np.concatenate(away) > 0.51) <= (0.01 if causal else 0)
    assert np.concatenate(away).max() < (20 if causal else 0.51)


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
    tensors = integer_tensors(_network(causal=True).state_dict())
    check_bounds(tensors)
    first = ("near", "far", "latent_in", "known_in.7")
    for name in (*first, "conv1", "conv2", "up", "middle", "out", "own", "own_r.1", "conv_r.0"):
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
