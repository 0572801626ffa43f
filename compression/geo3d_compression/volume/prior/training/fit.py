"""Second training step: the network on recorded windows; Lightning, resumes."""

from __future__ import annotations

import copy
import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geo3d.optional import require

if TYPE_CHECKING:
    from torch import Tensor

_LOG = logging.getLogger(__name__)

# What is exported is the exponential mean of the weights over the last few hundred steps.
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

    state = torch.zeros(len(inputs), network.channels, *inputs.shape[2:4])
    bits, voxels = torch.zeros(()), torch.zeros(())
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

    lightning = require("lightning", "train", "training")
    from geo3d_compression.volume.prior.nn.network import PriorNetwork

    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    windows, steps = load(path), settings.steps

    class Task(lightning.LightningModule):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            s = settings
            self.network = PriorNetwork(windows[0][0].shape[-1], s.channels, s.features, s.hidden, s.head)
            self.average = copy.deepcopy(self.network)

        def training_step(self, batch: tuple[Tensor, Tensor, Tensor], _: int) -> Tensor:
            self.network.quantise = self.global_step >= settings.quantise_from * steps
            inputs, target, planes = batch
            bits, voxels = window_bits(self.network, inputs, target, planes, settings.recurrent)
            loss = bits / voxels.clamp(min=1)
            if self.global_step % 20 == 0:
                _LOG.info("step %d bits per voxel %.4f", self.global_step, float(loss))
            return loss

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
            rng = np.random.default_rng([settings.seed, task.global_step])
            while True:
                yield cuts(windows, settings, rng)

    task = Task()
    out.mkdir(parents=True, exist_ok=True)
    checkpoint = lightning.pytorch.callbacks.ModelCheckpoint(
        out, filename="last", every_n_train_steps=100, save_top_k=1, enable_version_counter=False
    )
    trainer = lightning.Trainer(
        accelerator="cpu", devices=1, max_steps=min(steps, settings.stop or steps), callbacks=[checkpoint],
        logger=False, enable_progress_bar=False, enable_model_summary=False, gradient_clip_val=1.0,
    )  # fmt: skip
    last = out / "last.ckpt"
    loader = torch.utils.data.DataLoader(Stream(), batch_size=None, num_workers=0)
    trainer.fit(task, loader, ckpt_path=str(last) if last.exists() else None, weights_only=False)
    trainer.save_checkpoint(last)
    return last
