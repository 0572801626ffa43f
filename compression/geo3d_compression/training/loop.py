"""One training loop for all integer networks: Adam, one cosine, checkpoints, resuming, averaged weights.

A network tells by `quantise` whether it computes with the weights as they will be stored; the last part of a training
does.  What is exported is the exponential mean of the weights over the last few hundred steps.
"""

from __future__ import annotations

import copy
import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geo3d.optional import require

if TYPE_CHECKING:
    from torch import Tensor

_LOG = logging.getLogger(__name__)
_WARM_UP, _LAST_RATE = 50, 0.02
_PREFIX = "average."


@dataclass(frozen=True)
class Course:
    """How long and how fast.

    steps           length of the learning rate's schedule; `stop` ends before it, `minutes` too (0: neither)
    rate            highest learning rate
    quantise_from   part of the steps after which the network quantises
    average         decay of the exponential mean of the weights
    """

    steps: int
    rate: float
    quantise_from: float
    average: float
    seed: int = 0
    threads: int = 1
    stop: int = 0
    minutes: float = 0.0


def train(
    network: Any,
    batches: Callable[[np.random.Generator], Iterator[Any]],
    loss: Callable[[Any, Any], tuple[Tensor, Tensor]],
    out: Path,
    course: Course,
) -> Path:
    """Train `network` and return the checkpoint `out/last.ckpt`, from which a run that was cut off goes on.

    batches   endless batches, given a generator
    loss      (what is minimised, bits of one thing coded, which are logged) of the network and a batch
    """
    import torch

    lightning = require("lightning", "train", "training")
    torch.set_num_threads(course.threads)

    class Task(lightning.LightningModule):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.network = network
            self.average = copy.deepcopy(network)
            self.recent: list[float] = []

        def training_step(self, batch: Any, _: int) -> Tensor:
            self.network.quantise = self.global_step >= course.quantise_from * course.steps
            value, bits = loss(self.network, batch)
            self.recent.append(float(bits))
            if self.global_step % 20 == 0:
                _LOG.info("step %d bits %.4f", self.global_step, sum(self.recent) / len(self.recent))
                self.recent.clear()
            return value

        def on_train_batch_end(self, *_: Any) -> None:
            k = self.global_step
            with torch.no_grad():
                for mean, value in zip(self.average.parameters(), self.network.parameters(), strict=True):
                    mean.lerp_(value, 1 - min(course.average, k / (k + 9)))

        def configure_optimizers(self) -> Any:
            # Parameters that say a `pace` learn that many times as fast.
            groups = [{"params": [p], "lr": course.rate * getattr(p, "pace", 1.0)} for p in self.network.parameters()]
            optimizer = torch.optim.AdamW(groups, weight_decay=1e-4, betas=(0.9, 0.98))
            schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda k: _rate(k, course.steps))
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    class Stream(torch.utils.data.IterableDataset):
        def __iter__(self) -> Any:
            yield from batches(np.random.default_rng([course.seed, task.global_step]))

    task = Task()
    out.mkdir(parents=True, exist_ok=True)
    checkpoint = lightning.pytorch.callbacks.ModelCheckpoint(
        out, filename="last", every_n_train_steps=100, save_top_k=1, enable_version_counter=False
    )
    trainer = lightning.Trainer(
        accelerator="auto",
        devices=1,
        max_steps=min(course.steps, course.stop or course.steps),
        max_time={"minutes": course.minutes} if course.minutes else None,
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


def averaged_state(checkpoint: Path) -> tuple[dict[str, Tensor], int]:
    """The averaged weights in a checkpoint of `train`, and after how many steps."""
    import torch

    state = torch.load(checkpoint, map_location="cpu", weights_only=False)
    weights = {k[len(_PREFIX) :]: v for k, v in state["state_dict"].items() if k.startswith(_PREFIX)}
    return weights, int(state["global_step"])


def _rate(step: int, steps: int) -> float:
    cosine = (1 + math.cos(math.pi * min(1.0, step / steps))) / 2
    return min(1.0, (step + 1) / _WARM_UP) * (_LAST_RATE + (1 - _LAST_RATE) * cosine)
