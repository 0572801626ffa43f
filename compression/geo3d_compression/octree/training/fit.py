"""Second training step: the network on prepared blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geo3d_compression.octree.training import batches as batching
from geo3d_compression.octree.training.blocks import joined, load
from geo3d_compression.octree.training.start import start_from, stored_network
from geo3d_compression.training.loop import Course, train

if TYPE_CHECKING:
    from torch import Tensor

_AVERAGE_DECAY = 0.997
# First weights of both logits, and what the network alone counts beside the mixture.
_MIX, _ALONE = (0.6, 0.4), 0.1
# What sees earlier nodes begins as nothing, in a network that may have learnt all else: it learns so much faster.
_CAUSAL_PACE = 3.0


def level_loss(network: Any, levels: list[batching.BatchLevel], partner: Any = None) -> tuple[Tensor, Tensor, Tensor]:
    """Bits of a batch inside the cut, bits of the network alone, and the number of leaves.

    A causal network alone counts twice: with and without the earlier nodes' octants, for what surprises to stay so.
    With a `partner` the first are those of both networks' logits mixed by `network.mix` [2, 8], as they are coded.
    """
    import torch

    device = next(network.parameters()).device
    latent = torch.zeros(len(levels[0].parent), network.channels, device=device)
    other = torch.zeros(len(latent), partner.channels if partner else 0, device=device)
    bits, alone, leaves = (torch.zeros((), device=device) for _ in range(3))
    for level in levels:
        t = {k: torch.from_numpy(np.asarray(v)).to(device) for k, v in level._asdict().items()}
        weight = t.pop("weight")
        logits, latent, base = network(latent, **t)
        target = ((t["occupancy"][:, None] >> torch.arange(8, device=device)) & 1).to(logits.dtype)
        own = _level_bits(logits, target, weight)
        alone = alone + own
        if base is not logits:
            alone = alone + _level_bits(base, target, weight)
        if partner is None:
            bits = bits + own
        else:
            with torch.no_grad():
                others, other, _ = partner(other, **t)
            bits = bits + _level_bits(network.mix[0] * logits + network.mix[1] * others, target, weight)
        leaves = (target.sum(1) * weight).sum()
    return bits, alone, leaves


def _level_bits(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    from torch.nn.functional import binary_cross_entropy_with_logits

    loss = binary_cross_entropy_with_logits(logits, target, reduction="none")
    # The last octant of a node without children so far is never coded.
    loss[:, 7] = loss[:, 7] * (target[:, :7].sum(1) > 0)
    return (loss.sum(1) * weight).sum() / np.log(2)


@dataclass(frozen=True)
class FitSettings:
    """Optimisation and size of the network.

    `shares`: how often each of `blocks.KINDS` is drawn; `refreshes`, `deep`, `causal`: see `nn.network`; `start`: a
    checkpoint, or a stored network (`octree/weights/NAME.safetensors`), with no more channels and layers than this, to
    begin from; `partner`: a stored network that stays as it is and that this one is to be mixed with.
    """

    steps: int = 2600
    nodes: int = 8000
    rate: float = 4e-3
    quantise_from: float = 0.55
    channels: int = 32
    hidden: int = 64
    head: int = 32
    shares: tuple[float, ...] = (0.38, 0.2, 0.22, 0.2)
    seed: int = 0
    threads: int = 1
    minutes: float = 0.0
    refreshes: tuple[int, ...] = ()
    deep: int = 0
    causal: bool = False
    start: str = ""
    partner: str = ""


def fit(blocks: list[Path], out: Path, settings: FitSettings) -> Path:
    """Train for `steps`, or `minutes` when given; checkpoint in `out` and resume from there; returns the checkpoint."""
    import torch

    from geo3d_compression.octree.nn.network import OctreeNetwork

    torch.manual_seed(settings.seed)
    network = OctreeNetwork(
        settings.channels, settings.hidden, settings.head, settings.refreshes, settings.deep, settings.causal
    )
    if network.near is not None and network.far is not None:
        network.near.pace = network.far.pace = _CAUSAL_PACE
    if settings.start:
        start_from(network, Path(settings.start))
    # Half the memory traffic, five times the products a second where the processor has them; integers to 256 are exact
    # in it.
    network.dtype = torch.bfloat16 if _has_bfloat16() else torch.float32

    partner = stored_network(Path(settings.partner)) if settings.partner else None
    if partner is not None:
        network.mix = torch.nn.Parameter(torch.tensor(_MIX)[:, None].repeat(1, 8))

    def loss(network: Any, batch: list[batching.BatchLevel]) -> tuple[Tensor, Tensor]:
        bits, alone, leaves = level_loss(network, batch, partner)
        coded = sum(float(level.weight.sum()) for level in batch)
        # A little for itself: the coder also sees its logits alone, before it has learnt to mix.
        value = bits if partner is None else bits + _ALONE * alone
        return value / max(coded, 1), bits.detach() / leaves.clamp(min=1)

    def draw(rng: np.random.Generator) -> Iterator[list[batching.BatchLevel]]:
        return batching.batches(joined([load(path) for path in blocks]), settings.nodes, settings.shares, rng)

    s = settings
    course = Course(s.steps, s.rate, s.quantise_from, _AVERAGE_DECAY, s.seed, s.threads, minutes=s.minutes)
    return train(network, draw, loss, out, course)


def _has_bfloat16() -> bool:
    """Whether products of bfloat16 run in hardware; elsewhere they take six times as long as float32's."""
    import torch

    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
