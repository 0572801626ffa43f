"""First training step: what the coder of `best` sees in windows of volumes, as it sees it.

One file of tensors `K.inputs` int8 [T, h, w, i], `K.target` float32 [T, h, w, 2] (the voxel's distance from the blend
and one rank, both in scales of the blend; 0 where nothing was coded) and `K.planes` int8 [T, h, w, PLANES] of the slice
before, for each window K.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError
from geo3d.io.atomic import write_bytes
from geo3d_compression.entropy.coder import POSITION, new_encoder
from geo3d_compression.volume.alphabet import choose
from geo3d_compression.volume.kernel import MAX_BYTES, NOTHING_KNOWN, code_slice
from geo3d_compression.volume.model import new_model
from geo3d_compression.volume.patterns import to_integers
from geo3d_compression.volume.prior.features import PLANES, slice_planes
from geo3d_compression.volume.profiles import PROFILES

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class PrepareSettings:
    """How many windows of which volumes; each is the busiest of `tries`, and its first slices only warm the coder."""

    windows: dict[str, int] = field(default_factory=dict)
    slices: int = 15
    side: int = 96
    warm: int = 5
    tries: int = 3
    seed: int = 7


def prepare(data: Path, out: Path, settings: PrepareSettings) -> None:
    """Write the windows of the volumes NAME.npy.xz in `data` to `out`."""
    from safetensors.numpy import save

    from geo3d.io.volumes import read_volume

    rng = np.random.default_rng(settings.seed)
    tensors: dict[str, NDArray[Any]] = {}
    for name, count in settings.windows.items():
        found = sorted(data.glob(f"{name}.*"))
        if not found:
            raise FormatError(f"{data} has no volume {name}")
        voxels = read_volume(found[0]).voxels
        for _ in range(count):
            window = _busiest(voxels, settings, rng)
            k = len(tensors) // 3
            inputs, target, planes = record(window)
            tensors |= {
                f"{k}.inputs": inputs[settings.warm :],
                f"{k}.target": target[settings.warm :],
                f"{k}.planes": planes[settings.warm :],
            }
            _LOG.info("window %d of %s %s", k, name, window.shape)
    write_bytes(out, save(tensors))


def _busiest(voxels: NDArray[Any], settings: PrepareSettings, rng: np.random.Generator) -> NDArray[Any]:
    size = [min(a, b) for a, b in zip((settings.slices, settings.side, settings.side), voxels.shape, strict=True)]
    best: tuple[float, NDArray[Any]] | None = None
    for _ in range(settings.tries):
        z, y, x = (int(rng.integers(0, n - s + 1)) for n, s in zip(voxels.shape, size, strict=True))
        window = voxels[z : z + size[0], y : y + size[1], x : x + size[2]]
        busy = float((window[:, :, 1:] != window[:, :, :-1]).mean())
        if best is None or busy > best[0]:
            best = busy, window
    assert best is not None
    return np.ascontiguousarray(best[1])


def record(voxels: NDArray[Any]) -> tuple[NDArray[np.int8], NDArray[np.float32], NDArray[np.int8]]:
    """(inputs, target, planes of the slice before) of all slices of `voxels` [T, H, W]."""
    integers = to_integers(voxels)
    values = choose([integers], voxels.dtype)
    alphabet, (height, width) = values.alphabet(), voxels.shape[1:]
    model = new_model(height, width, PROFILES["best"], trace=True)
    worst = height * width * MAX_BYTES + 64
    inputs, targets, planes = [], [], []
    before = np.zeros((height, width, PLANES), np.float32)
    for index, slice_ in enumerate(values.ranks(integers)):
        model.prior.trace[:] = 0
        state, buffer = new_encoder(8)
        buffer = np.concatenate([buffer, np.zeros(worst, np.uint8)])
        code_slice(index, np.ascontiguousarray(slice_), NOTHING_KNOWN, alphabet, model, state, buffer, True)
        assert state[POSITION] <= worst
        planes.append(before.astype(np.int8))
        inputs.append(model.prior.trace[..., :-2].astype(np.int8))
        targets.append(model.prior.trace[..., -2:].copy())
        slice_planes(index, model, before)
    return np.stack(inputs), np.stack(targets), np.stack(planes)
