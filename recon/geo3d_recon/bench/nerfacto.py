"""`python -m geo3d_recon.bench.nerfacto FOLDER`: `geo3d field` and nerfstudio's nerfacto after the same time.

Runs where nerfstudio is installed (`scripts/test_full.sh` makes such an environment).  Every 8th posed frame is held
out of everything; all are asked for the same random pixels of those, and `psnr_covered` counts the ones that the
coloured TSDF mesh of the other frames covers.  `seconds` of `geo3d field` are everything from the files to the field;
those of nerfacto are its training steps alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from numpy.typing import NDArray

from geo3d.bench.suite import Row
from geo3d.console import report
from geo3d.io import open_rgbd
from geo3d.ops import undistort
from geo3d.scan.fusion import fuse
from geo3d.scan.options import ScanOptions
from geo3d.types import RGBDFrame, TriangleMesh
from geo3d_recon.bench.field import EVERY, field_picture, mesh_picture
from geo3d_recon.field.options import FieldOptions
from geo3d_recon.field.scan import reconstruct_field

_PIXELS = 1000
# Rays that nerfacto is asked for at once.
_CHUNK = 1024


def main(
    folder: tyro.conf.Positional[Path],
    /,
    seconds: float = 300.0,
    threads: int = 2,
    batch: int = 512,
    methods: tuple[str, ...] = ("mesh", "field", "nerfacto"),
    cpu: bool = False,
    together: bool = False,
) -> None:
    """Print a row of JSON a method and time.

    Args:
        folder: RGB-D folder with poses.
        seconds: of each method; the mesh takes what it takes.
        threads: of torch and Numba.
        batch: rays of a step of nerfacto; its own 4,096 are 8 s a step on two cores.
        methods: which of `mesh`, `field` and `nerfacto`, in this order.
        cpu: seconds are those of the processor, which is fair on a machine that is busy with other things.
        together: all methods at the same time, in a process each.
    """
    if together:
        words = [str(folder), "--seconds", str(seconds), "--threads", str(threads), "--batch", str(batch)]
        command = [sys.executable, "-m", "geo3d_recon.bench.nerfacto", *words, *(["--cpu"] if cpu else [])]
        runs = [subprocess.Popen([*command, "--methods", method]) for method in methods]
        codes = [run.wait() for run in runs]
        if any(codes):
            raise SystemExit("not every method ran to its end")
        return
    clock = time.process_time if cpu else time.monotonic
    ways: dict[str, Callable[[], Iterator[Row]]] = {
        "mesh": lambda: mesh_rows(folder),
        "field": lambda: field_rows(folder, seconds, clock),
        "nerfacto": lambda: nerfacto_rows(folder, seconds, threads, batch, clock),
    }
    for method in methods:
        for row in ways[method]():
            report({"folder": folder.name, "method": method, **row}, as_json=True)


def held_out(folder: Path) -> tuple[list[int], list[int]]:
    """(held-out, other) posed frames of a folder."""
    posed = [i for i, T in enumerate(open_rgbd(folder).T_world_camera) if T is not None]
    return posed[::EVERY], [i for k, i in enumerate(posed) if k % EVERY]


def coloured_mesh(folder: Path) -> TriangleMesh:
    """The TSDF mesh of the frames that are not held out."""
    dataset = open_rgbd(folder)
    poses = {i: T for i in held_out(folder)[1] if (T := dataset.T_world_camera[i]) is not None}
    return fuse(dataset, poses, ScanOptions()).mesh


def mesh_rows(folder: Path) -> Iterator[Row]:
    """The coloured mesh."""
    start, cpu = time.monotonic(), time.process_time()
    mesh = coloured_mesh(folder)
    spent = {"seconds": time.monotonic() - start, "cpu_s": time.process_time() - cpu}
    dataset = open_rgbd(folder)
    frames = [undistort(dataset.load(i)) for i in held_out(folder)[0]]
    yield {**spent, **quality(folder, [mesh_picture(mesh, f)[0][pixels_of(k, f)] for k, f in enumerate(frames)], mesh)}


def field_rows(folder: Path, seconds: float, clock: Callable[[], float]) -> Iterator[Row]:
    """Train the field for so long, and measure it."""
    held, kept = held_out(folder)
    start, cpu = time.monotonic(), time.process_time()
    field = reconstruct_field(folder, FieldOptions(minutes=seconds / 60, clock=clock), frames=kept)
    spent = {"seconds": time.monotonic() - start, "cpu_s": time.process_time() - cpu}
    dataset = open_rgbd(folder)
    frames = [undistort(dataset.load(i)) for i in held]
    answers = [field_picture(field, frame)[pixels_of(k, frame)] for k, frame in enumerate(frames)]
    yield {**spent, **quality(folder, answers, coloured_mesh(folder))}


def nerfacto_rows(folder: Path, seconds: float, threads: int, batch: int, clock: Callable[[], float]) -> Iterator[Row]:
    """Train nerfacto with its torch path, and measure it after half of the time and all of it."""
    import torch

    torch.set_num_threads(threads)
    mesh = coloured_mesh(folder)
    with tempfile.TemporaryDirectory(prefix="geo3d-") as place:
        trainer = _trainer(folder, Path(place), batch)
        pipeline = trainer.pipeline
        clocks = (clock, time.monotonic, time.process_time)
        spent = np.zeros(3)
        step, marks = 0, [seconds / 2, seconds]
        while marks:
            before = [c() for c in clocks]
            trainer.train_iteration(step)
            spent += [c() - b for c, b in zip(clocks, before, strict=True)]
            step += 1
            if spent[0] >= marks[0]:
                del marks[0]
                found = quality(folder, _asked(pipeline), mesh)
                yield {"seconds": spent[1], "cpu_s": spent[2], **found, "steps": step, "rays": step * batch}


def quality(folder: Path, answers: list[NDArray[np.floating]], mesh: TriangleMesh) -> Row:
    """Decibels of colours [N, 3] at the `pixels` of the held-out frames: the means over frames."""
    dataset = open_rgbd(folder)
    whole, covered = [], []
    for k, (i, answer) in enumerate(zip(held_out(folder)[0], answers, strict=True)):
        frame = undistort(dataset.load(i))
        assert frame.color is not None
        at = pixels_of(k, frame)
        truth, mask = frame.color[at] / 255, mesh_picture(mesh, frame)[1][at]
        whole.append(psnr(answer, truth))
        if mask.any():
            covered.append(psnr(answer[mask], truth[mask]))
    return {"held_out": len(whole), "psnr": float(np.mean(whole)), "psnr_covered": float(np.mean(covered))}


def pixels_of(number: int, frame: RGBDFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """`pixels` of a frame."""
    assert frame.color is not None
    return pixels(number, frame.color.shape[:2])


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


def _asked(pipeline: Any) -> list[NDArray[np.floating]]:
    """What nerfacto shows at the pixels of each held-out frame, [N, 3]."""
    import torch

    pipeline.eval()
    dataset = pipeline.datamanager.eval_dataset
    # The pictures that are compared with are undistorted.
    dataset.cameras.distortion_params = None
    answers = []
    with torch.no_grad():
        for k in range(len(dataset)):
            row, column = pixels(k, dataset[k]["image"].shape[:2])
            places = torch.from_numpy(np.stack([row, column], axis=1) + 0.5).float()
            rays = dataset.cameras.generate_rays(camera_indices=k, coords=places)
            parts = [pipeline.model(rays[a : a + _CHUNK])["rgb"].numpy() for a in range(0, len(places), _CHUNK)]
            answers.append(np.concatenate(parts))
    pipeline.train()
    return answers


if __name__ == "__main__":
    tyro.cli(main)
