"""Step two of training the completions: fit the flow to prepared views.

Needs numpy, torch, lightning and safetensors.  Picks the accelerator by itself, checkpoints, resumes from the last
checkpoint, and exports averaged weights.
"""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path

from geo3d.optional import require
from geo3d_recon.nn.completion_net import CompletionNetConfig


@dataclass(frozen=True)
class CompletionFitConfig:
    """How to fit.

    steps    optimiser steps; `minutes` ends the run earlier, with the schedule of what was done
    batch    views a step, each turned and mirrored at random
    rate     peak learning rate, cosine to 2 % of it
    average  decay of the exponential average of the weights, which is what is exported
    check    steps between validations
    """

    steps: int = 4000
    minutes: float = 30.0
    batch: int = 24
    rate: float = 2e-3
    average: float = 0.998
    check: int = 250
    seed: int = 0
    threads: int = 1
    net: CompletionNetConfig = field(default_factory=CompletionNetConfig)


def fit(config: CompletionFitConfig, views: Path, out: Path, validation: Path | None = None) -> Path:
    """Fit, and return the exported weights `out/completion_net.safetensors`; `out/log` gets the losses."""
    lightning = require("lightning", "train", "training the completions")
    import torch

    from geo3d_recon.completion.module import CompletionModule, batches, export, held

    torch.set_num_threads(config.threads)
    lightning.seed_everything(config.seed, verbose=False)
    loader = batches(views, config)
    module = CompletionModule(config, loader.dataset.whole)
    checkpoint = lightning.pytorch.callbacks.ModelCheckpoint(
        out, "last", every_n_train_steps=200, save_top_k=1, enable_version_counter=False
    )
    trainer = lightning.Trainer(
        max_steps=config.steps,
        precision="bf16-mixed",
        callbacks=[checkpoint, lightning.pytorch.callbacks.Timer({"minutes": config.minutes})],
        logger=lightning.pytorch.loggers.CSVLogger(out, name="log"),
        log_every_n_steps=50,
        val_check_interval=config.check,
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        limit_val_batches=1.0 if validation is not None else 0,
        gradient_clip_val=1.0,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=out,
    )
    last = out / "last.ckpt"
    start = time.monotonic()
    with warnings.catch_warnings():
        # Validation views are optional, a checkpoint may be there, the views are in memory and need no workers; and
        # Lightning uses a torch function that newer versions of torch rename.
        for message in ("no `val_dataloader`", "exists and is not empty", "does not have many workers", "LeafSpec"):
            warnings.filterwarnings("ignore", f".*{message}.*")
        checks = None if validation is None else held(validation)
        trainer.fit(module, loader, checks, ckpt_path=str(last) if last.exists() else None)
    trainer.save_checkpoint(last)
    path = out / "completion_net.safetensors"
    export(module, path, minutes=(time.monotonic() - start) / 60, views=len(loader.dataset.whole))
    return path
