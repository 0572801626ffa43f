"""The training task `surface_net` of `geo3d train`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from geo3d.console import say
from geo3d.errors import Geo3DError
from geo3d_recon.learned.fit import FitConfig, fit
from geo3d_recon.learned.prepare import PrepareConfig, prepare, shapes_of
from geo3d_recon.nn.surface_net import SurfaceNetConfig


def train(config: dict[str, Any], out: Path) -> None:
    """Prepare the clouds unless they are there, then fit; both write into `out`.

    config  sections `prepare`, `fit` and `net`, whose keys are the fields of PrepareConfig, FitConfig and
            SurfaceNetConfig; unknown keys are errors
    """
    unknown = set(config) - {"prepare", "fit", "net"}
    if unknown:
        raise Geo3DError(f"unknown sections {sorted(unknown)} (known: prepare, fit, net)")
    settings = dict(config.get("prepare", {}))
    settings["shapes"] = Path(settings.get("shapes", "../shared/data/mesh"))
    for key in ("points", "repositories", "without"):
        settings[key] = tuple(settings.get(key, getattr(PrepareConfig, key)))
    fitting = dict(config.get("fit", {}))
    fitting["start"] = Path(fitting["start"]) if fitting.get("start") else None
    try:
        first = PrepareConfig(**settings)
        second = FitConfig(**fitting, net=SurfaceNetConfig(**config.get("net", {})))
    except TypeError as error:
        raise Geo3DError(f"the configuration does not fit: {error}") from error
    clouds = out / "clouds.safetensors"
    if not clouds.exists():
        prepare(first, clouds)
    held, unseen = out / "validation.safetensors", replace(first, validation=True, clouds=first.clouds // 12)
    if shapes_of(unseen) and not held.exists():
        prepare(unseen, held)
    say(f"weights: {fit(second, [clouds], out, [held] if held.exists() else None)}")
