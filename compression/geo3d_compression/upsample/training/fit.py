"""Second training step: the network on prepared blocks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geo3d_compression.octree.training.blocks import joined, load
from geo3d_compression.training.loop import Course, train
from geo3d_compression.upsample.training.samples import Sample, samples

if TYPE_CHECKING:
    from torch import Tensor

_AVERAGE_DECAY = 0.997


@dataclass(frozen=True)
class FitSettings:
    """Optimisation and size of the network.  `shares`: how often each of `blocks.KINDS` is drawn."""

    steps: int = 6000
    window: int = 44
    voxels: int = 40_000
    rate: float = 3e-3
    quantise_from: float = 0.85
    channels: int = 32
    hidden: int = 64
    head: int = 32
    shares: tuple[float, ...] = (0.6, 0.25, 0.0, 0.15)
    seed: int = 0
    threads: int = 1


def bits_a_point(network: Any, sample: Sample) -> Tensor:
    """Binary cross-entropy of the voxels asked for, in bits for each that is occupied."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    device = next(network.parameters()).device
    inputs = [torch.as_tensor(x, device=device) if isinstance(x, np.ndarray) else x for x in sample]
    truth = torch.as_tensor(sample.occupied, device=device)
    logits = network(*inputs[:-1])
    loss = binary_cross_entropy_with_logits(logits, truth, reduction="sum")
    return loss / truth.sum().clamp(min=20) / math.log(2)


def fit(blocks: list[Path], out: Path, settings: FitSettings) -> Path:
    """Train for `steps`; checkpoint in `out` and resume from there; returns the checkpoint."""
    import torch

    from geo3d_compression.upsample.nn.network import UpsampleNetwork

    torch.manual_seed(settings.seed)

    def loss(network: Any, batch: Sample) -> tuple[Tensor, Tensor]:
        bits = bits_a_point(network, batch)
        return bits, bits.detach()

    def draw(rng: np.random.Generator) -> Iterator[Sample]:
        return samples(joined([load(path) for path in blocks]), settings.shares, settings.window, settings.voxels, rng)

    s = settings
    network = UpsampleNetwork(s.channels, s.hidden, s.head)
    course = Course(s.steps, s.rate, s.quantise_from, _AVERAGE_DECAY, s.seed, s.threads)
    return train(network, draw, loss, out, course)
