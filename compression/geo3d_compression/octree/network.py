# mypy: allow-untyped-defs, no-check-untyped-defs
"""The octree-latent network in integers: `nn.network` as the codec runs it, without torch.

Weights and activations are small integers held in float32.  Every partial sum stays below 2^24 (checked on loading), so
that matrix products are exact whatever the order of summation: any BLAS, any number of threads, any block
size gives the same logits.  With `dtype=numpy.int64` the same code runs on integers proper, which the tests compare.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d.errors import BitstreamError
from geo3d_compression.octree.head import MAX_ACTIVATIONS, MAX_ROWS, MAX_SURPRISE, Head, no_head, top_logit
from geo3d_compression.octree.integers import (
    ACTIVATION_MAX,
    BLOCK_NODES,
    EXACT_LIMIT,
    WEIGHT_SCALE,
    in_blocks,
    to_activation,
)
from geo3d_compression.octree.levels import Level
from geo3d_compression.octree.sums import add_multiples, add_rows, list_nonzero

# round(256 * 2^(k / 4)) for k = 1 .. 11: nodes per parent, times 256, at which the density class steps up.
_DENSITY_THRESHOLDS = (304, 362, 431, 512, 609, 724, 861, 1024, 1218, 1448, 1722)


def density_class(nodes: int, parents: int) -> int:
    """Class 0 .. 11 of the mean number of nodes a parent has, in quarter octaves."""
    return sum(256 * nodes >= t * parents for t in _DENSITY_THRESHOLDS)


class IntegerNetwork:
    """One level at a time: `begin`, then `logits` for each octant in turn, then `finish`.

    A `causal` network's logits are made anew in the coder's loop, by the `head` of the nodes that it comes to next.

    The work on a level's nodes is shared among `threads` in blocks of `block` nodes; neither changes a logit.
    """

    def __init__(
        self,
        tensors: dict[str, NDArray[Any]],
        threads: int = 2,
        dtype: Any = np.float32,
        block: int = BLOCK_NODES,
    ) -> None:
        check_bounds(tensors)
        self._dtype = dtype
        self._block = block
        self._threads = threads
        self._w = {name: np.ascontiguousarray(tensor.astype(dtype)) for name, tensor in tensors.items()}
        self.channels = tensors["conv1"].shape[1]
        self.units = sum(tensors["middle"].shape[1:])
        self._refreshes = refreshes(tensors)
        self._deep = deep_layers(tensors)
        for name in (n for n in self._w if n.startswith("conv")):
            self._w[name] = self._w[name].reshape(27 * self.channels, self.channels)
        self._nibbles = [_nibble_sums(self._w[f"known_in.{stage}"], stage) for stage in range(8)]
        self.causal = "near" in tensors
        self._no_exist = np.zeros((27, self.channels), dtype)
        if self.causal:
            self._w["beside"] = _rows_beside(self._w.pop("near"), self._w.pop("far"))
        up = self._w["up"].reshape(self.channels, 8, self.channels)
        self._w["up"] = np.ascontiguousarray(up.transpose(1, 0, 2))
        self._latent = np.zeros((1, self.channels), dtype)
        self._features = self._latent
        self._previous = 1

    def begin(self, level: Level) -> None:
        """Features of a level's nodes from the latents of the level above and from who neighbours whom."""
        n, C, w = level.size, self.channels, self._w
        density = density_class(n, self._previous)
        self._previous = n
        f0 = np.zeros((n + 1, C), self._dtype)
        f1 = np.zeros((n + 1, C), self._dtype)
        self._run(n, _raise, self._latent, level.parent, level.octant, w["up"], w["up_bias"], f0)
        f2 = f0  # which nothing reads once f1 is there
        no_skip, skip = np.zeros((n + 1, 0), self._dtype), f1
        self._run(n, _convolve, f0, level.neighbours, w["conv1"], w["exist1"], w["density"][density], no_skip, f1)
        self._run(n, _convolve, f1, level.neighbours, w["conv2"], w["exist2"], w["bias2"], skip, f2)
        for d in range(self._deep):
            f1, f2 = f2, f1
            weights = (w[f"conv_d.{d}"], self._no_exist, w[f"bias_d.{d}"])
            self._run(n, _convolve, f1, level.neighbours, *weights, f1, f2)
        self._features = f2

    def logits(
        self,
        stage: int,
        known: NDArray[np.uint8],  # [n + 1] octants before `stage`
        neighbours: NDArray[np.int32],
        activations: NDArray[np.uint8],  # [n, A], filled from `column` on
        column: int = 0,
    ) -> NDArray[np.int32]:
        """Logits [n] of octant `stage`, and the `units` activations that they come from, the last layer first.

        A causal network's do not see this octant of other nodes yet: the coder's loop makes them anew.
        """
        n = len(neighbours) - 1
        if stage in self._refreshes:
            self._refresh(self._refreshes.index(stage), known, neighbours)
        out = np.zeros(n, np.int32)
        layers = (*self._first_layer(stage), *self._last_layers(stage))
        self._run(n, _predict, stage, known, neighbours, self._features, *layers, out, activations, column)
        return out

    def head(self, stage: int, known: NDArray[np.uint8], neighbours: NDArray[np.int32], first: int, last: int) -> Head:
        """What is left to be done for nodes `first` to `last` - 1 where the network is causal; after `logits`."""
        if not self.causal:
            return no_head(self._dtype)
        sums = np.zeros((last - first, self._w["middle"].shape[1]), self._dtype)
        layer = self._first_layer(stage)
        self._run(last - first, _hidden, first, stage, known, neighbours, self._features, *layer, sums)
        return Head(sums, self._w["beside"][stage], *self._last_layers(stage))

    def _first_layer(self, stage: int) -> tuple[NDArray[Any], ...]:
        return self._w["latent_in"][stage], self._nibbles[stage], self._w["bias_in"][stage]

    def _last_layers(self, stage: int) -> tuple[NDArray[Any], ...]:
        w = self._w
        return w["middle"][stage], w["bias_middle"][stage], w["out"][stage], w["bias_out"][stage : stage + 1]

    def _refresh(self, index: int, known: NDArray[np.uint8], neighbours: NDArray[np.int32]) -> None:
        """Take the octants so far into the features and let them pass another convolution."""
        n, w = len(neighbours) - 1, self._w
        own = np.zeros((n + 1, self.channels), self._dtype)
        out = np.zeros((n + 1, self.channels), self._dtype)
        self._run(n, _absorb, known, self._features, w[f"own_r.{index}"], w[f"own_bias_r.{index}"], own)
        weights = (w[f"conv_r.{index}"], self._no_exist, w[f"bias_r.{index}"])
        self._run(n, _convolve, own, neighbours, *weights, own, out)
        self._features = out

    def finish(self, occupancy: NDArray[np.uint8]) -> None:
        """Take in the level's occupancy [n + 1] and make the latents of the nodes."""
        w, n = self._w, len(occupancy) - 1
        self._latent = np.zeros((n, self.channels), self._dtype)
        self._run(n, _absorb, occupancy, self._features, w["own"], w["own_bias"], self._latent)

    def _run(self, n: int, kernel: Callable[..., None], *arguments: Any) -> None:
        in_blocks(kernel, n, self._block, self._threads, *arguments)


def refreshes(tensors: dict[str, NDArray[Any]]) -> tuple[int, ...]:
    """The stages before which a network refreshes its features, told from its tensors."""
    count = sum(name.startswith("own_r.") for name in tensors)
    stages = tuple(len(tensors[f"own_r.{r}"]) for r in range(count))
    if any(not 0 < a < 8 for a in stages) or list(stages) != sorted(set(stages)):
        raise BitstreamError(f"octree network refreshes its features before stages {stages}, not rising within 1 to 7")
    return stages


def deep_layers(tensors: dict[str, NDArray[Any]]) -> int:
    """How many residual convolutions stand between the second one and the stages, told from its tensors."""
    return sum(name.startswith("conv_d.") for name in tensors)


def _rows_beside(near: NDArray[Any], far: NDArray[Any]) -> NDArray[Any]:
    """`near` [8, 3, 27, H] and `far` [8, 2, 98, H], which has no row for empty octants, as [8, PLACES * 3, H]."""
    far = np.concatenate([np.zeros_like(far[:, :1]), far], axis=1)
    rows = np.concatenate([near, far], axis=2).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(rows.reshape(8, -1, rows.shape[-1]))


def _nibble_sums(weight: NDArray[Any], stage: int) -> NDArray[Any]:
    """Sums [27 * 2 * 16, H] of the rows 27 s + k of `weight` with octant s set, for both nibbles of a byte."""
    rows = np.zeros((8, 27, weight.shape[1]), weight.dtype)
    rows[:stage] = weight.reshape(stage, 27, weight.shape[1])
    bits = (np.arange(16)[:, None] >> np.arange(4) & 1).astype(weight.dtype)
    return np.ascontiguousarray(np.einsum("vs,nskh->knvh", bits, rows.reshape(2, 4, 27, -1)).reshape(864, -1))


def check_bounds(tensors: dict[str, NDArray[Any]]) -> None:
    """Raise unless every sum that the weights can make stays below 2^24 in magnitude."""

    def column_sum(name: str, top: int) -> NDArray[np.int64]:
        return np.abs(tensors[name].astype(np.int64)).sum(-2) * top

    def bias(name: str) -> NDArray[np.int64]:
        return np.abs(tensors[name].astype(np.int64))

    act, res = ACTIVATION_MAX, ACTIVATION_MAX * WEIGHT_SCALE
    known = np.stack([column_sum(f"known_in.{s}", 1) for s in range(8)])
    if "near" in tensors:
        rows = np.abs(_rows_beside(tensors["near"].astype(np.int64), tensors["far"].astype(np.int64)))
        rows = rows.reshape(8, -1, 3, rows.shape[-1])
        known += (rows[:, :, :2].max(2) + MAX_SURPRISE * rows[:, :, 2]).sum(1)
    out = (np.abs(tensors["out"].astype(np.int64)).sum(-1)) * act + bias("bias_out")
    sums = {
        "up": column_sum("up", act).reshape(8, -1) + bias("up_bias"),
        "conv1": column_sum("conv1", act) + column_sum("exist1", 1) + bias("density"),
        "conv2": column_sum("conv2", act) + column_sum("exist2", 1) + bias("bias2") + res,
        "own": column_sum("own", 1) + bias("own_bias") + res,
        "stage": column_sum("latent_in", act) + bias("bias_in") + known,
        "middle": column_sum("middle", act) + bias("bias_middle"),
        "out": out,
    }
    hidden, head = tensors["middle"].shape[1:]
    if hidden + head > MAX_ACTIVATIONS:
        raise BitstreamError(f"octree network has {hidden} + {head} hidden units, at most {MAX_ACTIVATIONS} are read")
    for r in range(len(refreshes(tensors))):
        sums[f"own_r.{r}"] = column_sum(f"own_r.{r}", 1) + bias(f"own_bias_r.{r}") + res
        sums[f"conv_r.{r}"] = column_sum(f"conv_r.{r}", act) + bias(f"bias_r.{r}") + res
    for d in range(deep_layers(tensors)):
        sums[f"conv_d.{d}"] = column_sum(f"conv_d.{d}", act) + bias(f"bias_d.{d}") + res
    for name, value in sums.items():
        if value.max() + WEIGHT_SCALE >= EXACT_LIMIT:
            raise BitstreamError(
                f"octree network layer {name} can reach {value.max()}, exact sums end at {EXACT_LIMIT}"
            )


# The kernels work on float32 that holds integers, and on int64.


@njit(cache=True, nogil=True)
def _raise(first, last, latent, parent, octant, weight, bias, out):
    """f0: the parent's latent through the matrix of the node's octant."""
    c = out.shape[1]
    total = np.zeros(c, out.dtype)
    rows = np.zeros(c + 1, np.int64)
    factors = np.zeros(c + 1, out.dtype)
    for i in range(first, last):
        total[:] = bias[octant[i]]
        count = list_nonzero(latent[parent[i]], 0, rows, factors, 0)
        add_multiples(count, rows, factors, weight[octant[i]], total)
        for j in range(c):
            out[i, j] = to_activation(total[j])


@njit(cache=True, nogil=True)
def _convolve(first, last, source, neighbours, weight, exist, bias, skip, out):
    """Sparse 3 x 3 x 3 convolution, `weight` [27 c, c], with a bias per existing neighbour, plus `skip` when that has
    columns."""
    n, c = source.shape[0] - 1, source.shape[1]
    total = np.zeros(c, out.dtype)
    there = np.zeros(27, np.int64)
    rows = np.zeros(27 * c + 1, np.int64)
    factors = np.zeros(27 * c + 1, out.dtype)
    for i in range(first, last):
        total[:] = bias
        near = 0
        count = 0
        for k in range(27):
            q = neighbours[i, k]
            if q == n:
                continue
            there[near] = k
            near += 1
            count = list_nonzero(source[q], k * c, rows, factors, count)
        add_rows(near, there, exist, total)
        add_multiples(count, rows, factors, weight, total)
        if skip.shape[1]:
            for j in range(c):
                total[j] += skip[i, j] * WEIGHT_SCALE
        for j in range(c):
            out[i, j] = to_activation(total[j])


@njit(cache=True, nogil=True)
def _predict(
    first,
    last,
    stage,
    known,
    neighbours,
    features,
    latent_in,
    nibbles,
    bias_in,
    middle,
    bias_middle,
    top,
    bias_top,
    out,
    activations,
    column,
):
    """Two hidden layers and the logit of one octant."""
    h1 = np.zeros(middle.shape[0], features.dtype)
    h2 = np.zeros(middle.shape[1], features.dtype)
    rows = np.zeros(MAX_ROWS, np.int64)
    factors = np.zeros(MAX_ROWS, features.dtype)
    for i in range(first, last):
        _sums(i, stage, known, neighbours, features, latent_in, nibbles, bias_in, rows, factors, h1)
        out[i] = top_logit(h1, h2, middle, bias_middle, top, bias_top, activations[i, column:], rows, factors)


@njit(cache=True, nogil=True)
def _hidden(first, last, start, stage, known, neighbours, features, latent_in, nibbles, bias_in, out):
    """The sums of the first hidden layer of nodes `start` + `first` and on."""
    rows = np.zeros(MAX_ROWS, np.int64)
    factors = np.zeros(MAX_ROWS, features.dtype)
    for i in range(first, last):
        _sums(start + i, stage, known, neighbours, features, latent_in, nibbles, bias_in, rows, factors, out[i])


@njit(cache=True, nogil=True)
def _sums(i, stage, known, neighbours, features, latent_in, nibbles, bias_in, rows, factors, h1):
    """Hidden units of node `i` before their activation; known octants enter as rows of a table, four at a time."""
    before = (1 << stage) - 1
    for j in range(h1.shape[0]):
        h1[j] = bias_in[j]
    count = list_nonzero(features[i], 0, rows, factors, 0)
    add_multiples(count, rows, factors, latent_in, h1)
    count = 0
    for k in range(27):
        # Node n, the absent one, has no octants.
        byte = np.int64(known[neighbours[i, k]]) & before
        rows[count] = k << 5 | (byte & 15)
        count += byte & 15 != 0
        rows[count] = k << 5 | 16 | byte >> 4
        count += byte >> 4 != 0
    add_rows(count, rows, nibbles, h1)


@njit(cache=True, nogil=True)
def _absorb(first, last, occupancy, features, weight, bias, out):
    """The features and a node's own octants, as many as `weight` has rows."""
    c = out.shape[1]
    total = np.zeros(c, out.dtype)
    rows = np.zeros(9, np.int64)
    for i in range(first, last):
        for j in range(c):
            total[j] = bias[j] + features[i, j] * WEIGHT_SCALE
        count = 0
        for s in range(weight.shape[0]):
            rows[count] = s
            count += occupancy[i] >> s & 1
        add_rows(count, rows, weight, total)
        for j in range(c):
            out[i, j] = to_activation(total[j])
