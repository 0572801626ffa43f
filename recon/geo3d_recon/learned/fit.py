"""Step two of training: fit the network to prepared clouds.

Needs numpy, torch, torch-geometric, lightning and safetensors, and scipy for the neighbour tables.
Picks the accelerator by itself, checkpoints, resumes from the last checkpoint, and exports averaged weights.
"""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from geo3d.errors import Geo3DError
from geo3d.optional import require
from geo3d_recon.nn.surface_net import SurfaceNetConfig


@dataclass(frozen=True)
class FitConfig:
    """How to fit.

    steps    optimiser steps; `minutes` ends the run earlier, with the schedule of what was done
    batch    clouds a step
    queries  distances a cloud and step
    rate     peak learning rate, cosine to 2 % of it
    average  decay of the exponential average of the weights, which is what is exported
    check    steps between validations
    start    exported weights of the same settings to begin with, instead of random ones
    """

    steps: int = 6000
    minutes: float = 40.0
    batch: int = 6
    queries: int = 384
    rate: float = 3e-3
    average: float = 0.998
    check: int = 400
    start: Path | None = None
    seed: int = 0
    threads: int = 1
    net: SurfaceNetConfig = field(default_factory=SurfaceNetConfig)


def fit(config: FitConfig, prepared: list[Path], out: Path, validation: list[Path] | None = None) -> Path:
    """Fit, and return the exported weights `out/surface_net.safetensors`.

    The losses on the validation clouds are logged every `check` steps (`out/log`); nothing is chosen by them here.
    """
    lightning = require("lightning", "train", "training the surface model")
    import torch

    from geo3d_recon.learned.module import SurfaceModule, all_of, batches, export

    torch.set_num_threads(config.threads)
    lightning.seed_everything(config.seed, verbose=False)
    clouds = load_clouds(prepared, config.net)
    held = all_of(load_clouds(validation, config.net)) if validation else None
    module = SurfaceModule(config)
    checkpoint = lightning.pytorch.callbacks.ModelCheckpoint(
        out, "last", every_n_train_steps=200, save_top_k=1, enable_version_counter=False
    )
    clock = lightning.pytorch.callbacks.Timer({"minutes": config.minutes})
    trainer = lightning.Trainer(
        max_steps=config.steps,
        callbacks=[checkpoint, clock],
        logger=lightning.pytorch.loggers.CSVLogger(out, name="log"),
        log_every_n_steps=50,
        val_check_interval=config.check,
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        limit_val_batches=1.0 if held is not None else 0,
        gradient_clip_val=1.0,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=out,
    )
    last = out / "last.ckpt"
    start = time.monotonic()
    with warnings.catch_warnings():
        # Validation clouds are optional, a checkpoint may be there, the clouds are in memory and need no workers; and
        # Lightning uses a torch function that newer versions of torch rename.
        for message in (
            ".*no `val_dataloader`.*",
            ".*exists and is not empty.*",
            ".*does not have many workers.*",
            ".*LeafSpec.*",
        ):
            warnings.filterwarnings("ignore", message)
        trainer.fit(module, batches(clouds, config), held, ckpt_path=str(last) if last.exists() else None)
    trainer.save_checkpoint(last)
    path = out / "surface_net.safetensors"
    export(module, path, minutes=(time.monotonic() - start) / 60, clouds=len(clouds))
    return path


def load_clouds(files: list[Path], net: SurfaceNetConfig) -> list[dict[str, Any]]:
    """The prepared clouds with their neighbour graphs, as tensors."""
    import torch
    from safetensors.numpy import load_file

    from geo3d.ops import knn
    from geo3d_recon.learned.graph import Cues, build_graph

    clouds = []
    for path in files:
        if not path.is_file():
            raise Geo3DError(f"{path} is not there; run the prepare step first")
        flat = load_file(path)
        for i in sorted({int(k.split("/")[0]) for k in flat}):
            c = {k.split("/")[1]: v for k, v in flat.items() if k.startswith(f"{i}/")}
            p = c["points"].astype(np.float64)
            cues = Cues(*(c[k].astype(np.float32) for k in ("normals", "axes", "area", "node")))
            graph = build_graph(p, cues, 1.0, net.neighbours)
            if graph.coarse.shape[1] < net.neighbours:
                continue
            _, near = knn(p, c["queries"].astype(np.float64), net.query_neighbours)
            tensors = {
                k: torch.from_numpy(c[k].astype(np.float32))
                for k in ("queries", "distance", "point_distance", "point_normal")
            }
            clouds.append({"graph": graph, "near": torch.from_numpy(near), **tensors})
    if not clouds:
        raise Geo3DError(f"no usable cloud in {', '.join(map(str, files))}")
    return clouds
