"""The training task `volume-prior` of `geo3d train`: prepare, fit, export."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from geo3d_compression.training.card import write_weights
from geo3d_compression.training.loop import averaged_state
from geo3d_compression.training.settings import from_dict
from geo3d_compression.volume.prior.training.fit import FitSettings, fit
from geo3d_compression.volume.prior.training.prepare import PrepareSettings, prepare


@dataclass(frozen=True)
class Settings:
    """All settings of the task."""

    data: str = "../shared/data/med/volumes"
    prepare: PrepareSettings = field(default_factory=PrepareSettings)
    fit: FitSettings = field(default_factory=FitSettings)


def train(config: dict[str, Any], out: Path) -> None:
    """Prepare what is not there yet, fit or resume, write `prior.safetensors` and its card `prior.json` to `out`."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    parts = {
        "prepare": from_dict(PrepareSettings, config.get("prepare", {})),
        "fit": from_dict(FitSettings, config.get("fit", {})),
    }
    settings = from_dict(Settings, {**config, **parts})
    out.mkdir(parents=True, exist_ok=True)
    windows = out / "windows.safetensors"
    if not windows.exists():
        prepare(Path(settings.data), windows, settings.prepare)
    export(fit(windows, out, settings.fit), out, settings)


def export(checkpoint: Path, out: Path, settings: Settings) -> None:
    """Write the integers of a checkpoint and a card that says where they come from."""
    from geo3d_compression.volume.prior.training.export import integer_tensors

    weights, steps = averaged_state(checkpoint)
    write_weights(out, "prior", integer_tensors(weights), steps, asdict(settings))
