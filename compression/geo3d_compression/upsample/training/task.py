"""The training task `upsample` of `geo3d train`: prepare, fit, export."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from geo3d_compression.training.card import write_weights
from geo3d_compression.training.loop import averaged_state
from geo3d_compression.training.settings import from_dict
from geo3d_compression.upsample.training.fit import FitSettings, fit
from geo3d_compression.upsample.training.prepare import SetSettings, prepare

_NAME = "upsample"


@dataclass(frozen=True)
class Settings:
    """All settings of the task; `sets` are prepared one file each."""

    data: str = "../shared/data"
    sets: list[SetSettings] = field(default_factory=lambda: [SetSettings()])
    fit: FitSettings = field(default_factory=FitSettings)


def train(config: dict[str, Any], out: Path) -> None:
    """Prepare what is not there yet, fit or resume, write `upsample.safetensors` and its card to `out`."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    rest = dict(config)
    sets = [from_dict(SetSettings, s) for s in rest.pop("sets", [{}])]
    settings = from_dict(Settings, {**rest, "sets": sets, "fit": from_dict(FitSettings, rest.get("fit", {}))})
    out.mkdir(parents=True, exist_ok=True)
    paths = []
    for k, part in enumerate(settings.sets):
        paths.append(out / f"blocks{k}.safetensors")
        if not paths[-1].exists():
            prepare(Path(settings.data), paths[-1], part)
    export(fit(paths, out, settings.fit), out, settings)


def export(checkpoint: Path, out: Path, settings: Settings) -> None:
    """Write the integers of a checkpoint and a card that says where they come from."""
    from geo3d_compression.upsample.training.export import integer_tensors

    weights, steps = averaged_state(checkpoint)
    write_weights(out, _NAME, integer_tensors(weights), steps, asdict(settings))
