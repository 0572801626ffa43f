"""The training task `octree` of `geo3d train`: prepare, fit, export."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from geo3d.config import ConfigError
from geo3d.io.atomic import write_bytes, write_text
from geo3d_compression.octree.training.fit import FitSettings, fit
from geo3d_compression.octree.training.prepare import SetSettings, prepare

_T = TypeVar("_T")


@dataclass(frozen=True)
class Settings:
    """All settings of the task; `sets` are prepared one file each, so that a set can be added to a running training."""

    data: str = "../shared/data"
    name: str = "best"
    sets: list[SetSettings] = field(default_factory=lambda: [SetSettings()])
    fit: FitSettings = field(default_factory=FitSettings)


def train(config: dict[str, Any], out: Path) -> None:
    """Prepare what is not there yet, fit or resume, write `NAME.safetensors` and its card `NAME.json` to `out`."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    rest = dict(config)
    sets = [_from_dict(SetSettings, s) for s in rest.pop("sets", [{}])]
    settings = _from_dict(Settings, {**rest, "sets": sets, "fit": _from_dict(FitSettings, rest.get("fit", {}))})
    paths = []
    for k, part in enumerate(settings.sets):
        paths.append(out / f"blocks{k}.safetensors")
        if not paths[-1].exists():
            prepare(Path(settings.data), paths[-1], part)
    export(fit(paths, out, settings.fit), out, settings)


def export(checkpoint: Path, out: Path, settings: Settings) -> None:
    """Write the integers of a checkpoint and a card that says where they come from."""
    import torch
    import xxhash
    from safetensors.numpy import save

    from geo3d_compression.octree.training.export import integer_tensors

    state = torch.load(checkpoint, map_location="cpu", weights_only=False)
    prefix = "average."
    data = save(integer_tensors({k[len(prefix) :]: v for k, v in state["state_dict"].items() if k.startswith(prefix)}))
    write_bytes(out / f"{settings.name}.safetensors", data)
    card = {
        "file": f"{settings.name}.safetensors",
        "hash": xxhash.xxh3_64(data).hexdigest(),
        "bytes": len(data),
        "steps": int(state["global_step"]),
        "settings": asdict(settings),
    }
    write_text(out / f"{settings.name}.json", json.dumps(card, indent=1) + "\n")


def _from_dict(kind: type[_T], values: dict[str, Any]) -> _T:
    names = {f.name for f in fields(kind)}  # type: ignore[arg-type]
    unknown = set(values) - names
    if unknown:
        raise ConfigError(f"unknown settings {sorted(unknown)} for {kind.__name__}; there are {sorted(names)}")
    return kind(
        **{k: tuple(v) if isinstance(v, list) and k in ("shares", "refreshes") else v for k, v in values.items()}
    )
