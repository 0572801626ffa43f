"""`python -m geo3d_recon.bench.nerfacto FOLDER`: `geo3d field` and nerfstudio's nerfacto after the same time.

Runs where nerfstudio is installed (`scripts/test_full.sh` makes such an environment).  Every 8th posed frame is held
out of both; both are asked for the same random pixels of those.  `seconds` of `geo3d field` are everything from the
files to the field; those of nerfacto are its training steps alone.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from numpy.typing import NDArray

from geo3d.bench.suite import Row
from geo3d.console import report
from geo3d.io import open_rgbd
from geo3d.ops import undistort
from geo3d_recon.bench.field import EVERY, field_picture
from geo3d_recon.field.options import FieldOptions
from geo3d_recon.field.scan import reconstruct_field

_PIXELS = 2000
# Rays that nerfacto is asked for at once.
_CHUNK = 1024


def main(
    folder: tyro.conf.Positional[Path],
    /,
    seconds: float = 300.0,
    threads: int = 2,
    batch: int = 512,
    methods: tuple[str, ...] = ("nerfacto", "field"),
) -> None:
    """Print a row of JSON a method and time.

    Args:
        folder: RGB-D folder with poses.
        seconds: of each method.
        threads: of torch and Numba.
        batch: rays of a step of nerfacto; its own 4,096 are 8 s a step on two cores.
        methods: which of `nerfacto` and `field`, in this order.
    """
    for method in methods:
        rows = nerfacto_rows(folder, seconds, threads, batch) if method == "nerfacto" else field_rows(folder, seconds)
        for row in rows:
            report({"folder": folder.name, "method": method, **row}, as_json=True)


def held_out(folder: Path) -> tuple[list[int], list[int]]:
    """(held-out, other) posed frames of a folder."""
    posed = [i for i, T in enumerate(open_rgbd(folder).T_world_camera) if T is not None]
    return posed[::EVERY], [i for k, i in enumerate(posed) if k % EVERY]


def field_rows(folder: Path, seconds: float) -> Iterator[Row]:
    """Train the field for so long, and measure it."""
    held, kept = held_out(folder)
    start, cpu = time.perf_counter(), time.process_time()
    field = reconstruct_field(folder, FieldOptions(minutes=seconds / 60), frames=kept)
    spent = {"seconds": time.perf_counter() - start, "cpu_s": time.process_time() - cpu}
    dataset = open_rgbd(folder)
    frames = [undistort(dataset.load(i)) for i in held]
    values = []
    for k, frame in enumerate(frames):
        assert frame.color is not None
        row, column = pixels(k, frame.color.shape[:2])
        values.append(psnr(field_picture(field, frame)[row, column], frame.color[row, column] / 255))
    yield {**spent, "held_out": len(held), "psnr": float(np.mean(values))}


def nerfacto_rows(folder: Path, seconds: float, threads: int, batch: int) -> Iterator[Row]:
    """Train nerfacto with its torch path, and measure it after a fifth of the time, two, ..."""
    import torch

    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory(prefix="geo3d-") as place:
        trainer = _trainer(folder, Path(place), batch)
        pipeline = trainer.pipeline
        spent = cpu = 0.0
        step, marks = 0, [seconds * k / 5 for k in range(1, 6)]
        while marks:
            start, before = time.perf_counter(), time.process_time()
            trainer.train_iteration(step)
            spent, cpu, step = spent + time.perf_counter() - start, cpu + time.process_time() - before, step + 1
            if spent >= marks[0]:
                del marks[0]
                values = _asked(pipeline)
                yield {
                    "seconds": spent, "cpu_s": cpu, "held_out": len(values), "psnr": float(np.mean(values)),
                    "steps": step, "rays": step * batch,
                }  # fmt: skip


def pixels(number: int, shape: tuple[int, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns [N] of the pixels that both methods are asked for in a held-out frame."""
    rng = np.random.default_rng(number)
    return rng.integers(0, shape[0], _PIXELS), rng.integers(0, shape[1], _PIXELS)


def psnr(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Decibels of colours in 0 to 1."""
    return float(-10 * np.log10(((a - b) ** 2).mean()))


def _trainer(folder: Path, place: Path, batch: int) -> Any:
    import torchvision
    from nerfstudio.configs.method_configs import method_configs
    from nerfstudio.data.datamanagers.base_datamanager import VanillaDataManagerConfig

    from geo3d_recon.nerfstudio.data import Geo3DDataConfig

    # nerfacto wants LPIPS's weights from the net before it starts; they play no part in training or in PSNR.
    weights = place / "torch" / "hub" / "checkpoints" / "alexnet-owt-7be5be79.pth"
    weights.parent.mkdir(parents=True)
    os.environ |= {"TORCH_HOME": str(place / "torch"), "TORCHDYNAMO_DISABLE": "1"}
    import torch

    torch.save(torchvision.models.alexnet().state_dict(), weights)
    config = method_configs["nerfacto"]
    config.machine.device_type, config.vis, config.mixed_precision = "cpu", "tensorboard", False
    config.output_dir, config.data = place / "out", folder
    config.pipeline.model.implementation = "torch"
    config.pipeline.datamanager = VanillaDataManagerConfig(
        dataparser=Geo3DDataConfig(data=folder, export=place / "ns"),
        train_num_rays_per_batch=batch,
        eval_num_rays_per_batch=batch,
    )
    config.set_timestamp()
    trainer = config.setup(local_rank=0, world_size=1)
    trainer.setup(test_mode="val")
    return trainer


def _asked(pipeline: Any) -> list[float]:
    """Decibels of each held-out frame at its pixels."""
    import torch

    pipeline.eval()
    dataset = pipeline.datamanager.eval_dataset
    values = []
    with torch.no_grad():
        for k in range(len(dataset)):
            truth = dataset[k]["image"][..., :3].numpy()
            row, column = pixels(k, truth.shape[:2])
            places = torch.from_numpy(np.stack([row, column], axis=1) + 0.5).float()
            rays = dataset.cameras.generate_rays(camera_indices=k, coords=places)
            parts = [pipeline.model(rays[a : a + _CHUNK])["rgb"].numpy() for a in range(0, len(places), _CHUNK)]
            values.append(psnr(np.concatenate(parts), truth[row, column]))
    pipeline.train()
    return values


if __name__ == "__main__":
    tyro.cli(main)
