"""Second training step: the network on prepared blocks; Lightning, resumes, exports the integers."""

from __future__ import annotations

import copy
import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geo3d.optional import require
from geo3d_compression.octree.training import batches as batching
from geo3d_compression.octree.training.blocks import load
from geo3d_compression.octree.training.start import start_from

if TYPE_CHECKING:
    from torch import Tensor

_LOG = logging.getLogger(__name__)

# What is exported is the exponential mean of the weights over the last few hundred steps.
_AVERAGE_DECAY = 0.997


def level_loss(network: Any, levels: list[batching.BatchLevel]) -> tuple[Tensor, Tensor]:
    """Bits of a batch and the number of its leaves' parents' children, both inside the cut."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    latent = torch.zeros(len(levels[0].parent), network.channels)
    bits, leaves = torch.zeros(()), torch.zeros(())
    for level in levels:
        t = {k: torch.from_numpy(np.asarray(v)) for k, v in level._asdict().items()}
        weight = t.pop("weight")
        logits, latent = network(latent, **t)
        target = ((t["occupancy"][:, None] >> torch.arange(8)) & 1).to(logits.dtype)
        loss = binary_cross_entropy_with_logits(logits, target, reduction="none")
        # The last octant of a node without children so far is never coded.
        loss[:, 7] = loss[:, 7] * (target[:, :7].sum(1) > 0)
        bits = bits + (loss.sum(1) * weight).sum() / np.log(2)
        leaves = (target.sum(1) * weight).sum()
    return bits, leaves


@dataclass(frozen=True)
class FitSettings:
    """Optimisation and size of the network.

    `shares`: how often each of `blocks.KINDS` is drawn; `refreshes`: see `nn.network`; `start`: a checkpoint, or a
    stored network (`octree/weights/NAME.safetensors`), with fewer channels and refreshes or as many, to begin from.
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
    start: str = ""


def fit(blocks: list[Path], out: Path, settings: FitSettings) -> Path:
    """Train for `steps`, or `minutes` when given; checkpoint in `out` and resume from there; returns the checkpoint."""
    import torch

    lightning = require("lightning", "train", "training")
    from geo3d_compression.octree.nn.network import OctreeNetwork

    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    steps = settings.steps

    class Task(lightning.LightningModule):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.network = OctreeNetwork(settings.channels, settings.hidden, settings.head, settings.refreshes)
            if settings.start:
                start_from(self.network, Path(settings.start))
            # Half the memory traffic, five times the products a second where the processor has them; integers to 256
            # are exact in it.
            self.network.dtype = torch.bfloat16 if _has_bfloat16() else torch.float32
            self.average = copy.deepcopy(self.network)

        def training_step(self, batch: Any, _: int) -> Tensor:
            self.network.quantise = self.global_step >= settings.quantise_from * steps
            bits, leaves = level_loss(self.network, batch)
            if self.global_step % 20 == 0:
                _LOG.info("step %d bits per leaf %.4f", self.global_step, float(bits / leaves.clamp(min=1)))
            coded = sum(float(level.weight.sum()) for level in batch)
            return bits / max(coded, 1)

        def on_train_batch_end(self, *_: Any) -> None:
            k = self.global_step
            with torch.no_grad():
                for mean, value in zip(self.average.parameters(), self.network.parameters(), strict=True):
                    mean.lerp_(value, 1 - min(_AVERAGE_DECAY, k / (k + 9)))

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.AdamW(
                self.network.parameters(), lr=settings.rate, weight_decay=1e-4, betas=(0.9, 0.98)
            )
            schedule = torch.optim.lr_scheduler.LambdaLR(
                optimizer,
                lambda k: min(1.0, (k + 1) / 50) * (0.02 + 0.49 * (1 + math.cos(math.pi * min(1.0, k / steps)))),
            )
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    class Stream(torch.utils.data.IterableDataset):
        def __iter__(self) -> Any:
            sets = [load(path) for path in blocks]
            rng = np.random.default_rng([settings.seed, task.global_step])
            merged = sets[0]
            for extra in sets[1:]:
                merged = type(merged)(
                    np.concatenate([merged.data, extra.data]),
                    np.concatenate([merged.starts, extra.starts[1:] + merged.starts[-1]]),
                    np.concatenate([merged.depths, extra.depths]),
                    np.concatenate([merged.kinds, extra.kinds]),
                )
            yield from batching.batches(merged, settings.nodes, settings.shares, rng)

    task = Task()
    out.mkdir(parents=True, exist_ok=True)
    checkpoint = lightning.pytorch.callbacks.ModelCheckpoint(
        out, filename="last", every_n_train_steps=100, save_top_k=1, enable_version_counter=False
    )
    trainer = lightning.Trainer(
        accelerator="auto",
        devices=1,
        max_steps=steps,
        max_time={"minutes": settings.minutes} if settings.minutes else None,
        callbacks=[checkpoint],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        gradient_clip_val=1.0,
    )
    last = out / "last.ckpt"
    loader = torch.utils.data.DataLoader(Stream(), batch_size=None, num_workers=0)
    trainer.fit(task, loader, ckpt_path=str(last) if last.exists() else None, weights_only=False)
    trainer.save_checkpoint(last)
    return last


def _has_bfloat16() -> bool:
    """Whether products of bfloat16 run in hardware; elsewhere they take six times as long as float32's."""
    import torch

    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
