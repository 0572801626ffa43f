"""Second training step: the network on prepared blocks; Lightning, resumes."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geo3d.optional import require
from geo3d_compression.octree.training.blocks import Blocks, load
from geo3d_compression.upsample.training.samples import Sample, samples

if TYPE_CHECKING:
    from torch import Tensor

_LOG = logging.getLogger(__name__)


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

    inputs = [torch.as_tensor(x) if isinstance(x, np.ndarray) else x for x in sample]
    truth = torch.as_tensor(sample.occupied)
    logits = network(*inputs[:-1])
    loss = binary_cross_entropy_with_logits(logits, truth, reduction="sum")
    return loss / truth.sum().clamp(min=20) / math.log(2)


def fit(blocks: list[Path], out: Path, settings: FitSettings) -> Path:
    """Train for `steps`; checkpoint in `out` and resume from there; returns the checkpoint."""
    import torch

    lightning = require("lightning", "train", "training")
    from geo3d_compression.upsample.nn.network import UpsampleNetwork

    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    steps = settings.steps

    class Task(lightning.LightningModule):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.network = UpsampleNetwork(settings.channels, settings.hidden, settings.head)
            self.recent: list[float] = []

        def training_step(self, batch: Sample, _: int) -> Tensor:
            self.network.quantise = self.global_step >= settings.quantise_from * steps
            loss = bits_a_point(self.network, batch)
            self.recent.append(float(loss))
            if len(self.recent) == 100:
                _LOG.info("step %d bits per point %.4f", self.global_step, sum(self.recent) / 100)
                self.recent.clear()
            return loss

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.AdamW(self.parameters(), lr=settings.rate, weight_decay=1e-4, betas=(0.9, 0.98))
            schedule = torch.optim.lr_scheduler.LambdaLR(
                optimizer,
                lambda k: min(1.0, (k + 1) / 50) * (0.02 + 0.49 * (1 + math.cos(math.pi * min(1.0, k / steps)))),
            )
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    class Stream(torch.utils.data.IterableDataset):
        def __iter__(self) -> Any:
            rng = np.random.default_rng([settings.seed, task.global_step])
            yield from samples(_merged(blocks), settings.shares, settings.window, settings.voxels, rng)

    task = Task()
    out.mkdir(parents=True, exist_ok=True)
    checkpoint = lightning.pytorch.callbacks.ModelCheckpoint(
        out, filename="last", every_n_train_steps=200, save_top_k=1, enable_version_counter=False
    )
    trainer = lightning.Trainer(
        accelerator="auto",
        devices=1,
        max_steps=steps,
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


def _merged(paths: list[Path]) -> Blocks:
    parts = [load(path) for path in paths]
    ends = np.cumsum([0, *(int(p.starts[-1]) for p in parts)])
    return Blocks(
        np.concatenate([p.data for p in parts]),
        np.concatenate([[0], *(p.starts[1:] + e for p, e in zip(parts, ends[:-1], strict=True))]),
        np.concatenate([p.depths for p in parts]),
        np.concatenate([p.kinds for p in parts]),
    )
