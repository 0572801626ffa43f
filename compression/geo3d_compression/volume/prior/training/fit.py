"""Second training step: the network on recorded windows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geo3d_compression.training.loop import Course, train

if TYPE_CHECKING:
    from torch import Tensor

_AVERAGE_DECAY = 0.99
# Voxels this near a cut's border see zeros instead of neighbours: they are not counted.
_MARGIN = 3

Windows = list[tuple[NDArray[np.int8], NDArray[np.float32], NDArray[np.int8]]]


@dataclass(frozen=True)
class FitSettings:
    """Optimisation and size of the network; each step sees `windows` cuts of `slices` x `side` x `side` voxels.

    `steps` is the length of the learning rate's schedule, `stop` when to end before (0: not before).  `recurrent`:
    False forgets the state after each slice, to measure what it is worth.
    """

    steps: int = 1200
    stop: int = 0
    windows: int = 3
    slices: int = 8
    side: int = 48
    rate: float = 3e-3
    quantise_from: float = 0.6
    channels: int = 16
    features: int = 16
    hidden: int = 32
    head: int = 24
    recurrent: bool = True
    seed: int = 0
    threads: int = 1


def logistic_bits(shift: Tensor, log_scale: Tensor, target: Tensor, rank: Tensor) -> Tensor:
    """Bits of ranks of width `rank` at `target` under logistic distributions of scale 2^log_scale around `shift`."""
    import torch
    from torch.nn.functional import logsigmoid

    inverse = torch.exp2(-log_scale.clamp(-4, 4))
    above, below = (target - shift + rank / 2) * inverse, (target - shift - rank / 2) * inverse
    width = (above - below).clamp(min=1e-6)
    return -(logsigmoid(above) + logsigmoid(-below) + torch.log(-torch.expm1(-width))) / math.log(2)


def window_bits(network: Any, inputs: Tensor, target: Tensor, planes: Tensor, recurrent: bool) -> tuple[Tensor, Tensor]:
    """Bits of the voxels of [B, T, h, w, ...] windows and how many they are; the first slice warms the state."""
    import torch

    device = inputs.device
    state = torch.zeros(len(inputs), network.channels, *inputs.shape[2:4], device=device)
    bits, voxels = torch.zeros((), device=device), torch.zeros((), device=device)
    for t in range(inputs.shape[1]):
        state = network.update(state if recurrent else torch.zeros_like(state), planes[:, t])
        shift, log_scale = network(inputs[:, t], network.spread_out(state))
        if t == 0:
            continue
        inner = (..., slice(_MARGIN, -_MARGIN), slice(_MARGIN, -_MARGIN))
        distance, rank = target[:, t].unbind(-1)
        coded = (rank > 0).float()[inner]
        each = logistic_bits(shift, log_scale, distance, rank.clamp(min=1e-3))[inner]
        bits, voxels = bits + (each * coded).sum(), voxels + coded.sum()
    return bits, voxels


def cuts(windows: Windows, settings: FitSettings, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """A batch (inputs, target, planes [B, T, PLANES, h, w]) of random cuts; smaller windows are filled with nothing."""
    import torch

    found: list[list[NDArray[np.float32]]] = [[], [], []]
    for k in rng.integers(0, len(windows), settings.windows):
        slices, height, width = windows[k][0].shape[:3]
        h, w = min(settings.side, height), min(settings.side, width)
        t, y, x = (int(rng.integers(0, n + 1)) for n in (slices - settings.slices, height - h, width - w))
        for part, tensor in zip(found, windows[k], strict=True):
            cut = tensor[t : t + settings.slices, y : y + h, x : x + w].astype(np.float32)
            part.append(np.pad(cut, ((0, 0), (0, settings.side - h), (0, settings.side - w), (0, 0))))
    inputs, target, planes = (torch.from_numpy(np.stack(part)) for part in found)
    return inputs / 32, target, planes.permute(0, 1, 4, 2, 3) / 32


def load(path: Path) -> Windows:
    """The windows of `prepare`."""
    from safetensors.numpy import load_file

    tensors = load_file(path)
    parts = ("inputs", "target", "planes")
    return [tuple(tensors[f"{k}.{p}"] for p in parts) for k in range(len(tensors) // 3)]  # type: ignore[misc]


def fit(path: Path, out: Path, settings: FitSettings) -> Path:
    """Train for `steps`; checkpoint in `out` and resume from there; returns the checkpoint."""
    import torch

    from geo3d_compression.volume.prior.nn.network import PriorNetwork

    torch.manual_seed(settings.seed)
    windows = load(path)

    def loss(network: Any, batch: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        inputs, target, planes = batch
        bits, voxels = window_bits(network, inputs, target, planes, settings.recurrent)
        rate = bits / voxels.clamp(min=1)
        return rate, rate.detach()

    def draw(rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        while True:
            yield cuts(windows, settings, rng)

    s = settings
    network = PriorNetwork(windows[0][0].shape[-1], s.channels, s.features, s.hidden, s.head)
    course = Course(s.steps, s.rate, s.quantise_from, _AVERAGE_DECAY, s.seed, s.threads, s.stop)
    return train(network, draw, loss, out, course)
