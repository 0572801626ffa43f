"""The training task `completion_net` of `geo3d train`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from geo3d.console import say
from geo3d.errors import Geo3DError
from geo3d_recon.completion.fit import CompletionFitConfig, fit
from geo3d_recon.completion.prepare import prepare
from geo3d_recon.learned.prepare import PrepareConfig, shapes_of
from geo3d_recon.nn.completion_net import CompletionNetConfig


def train(config: dict[str, Any], out: Path) -> None:
    """Prepare the views unless they are there, then fit; both write into `out`.

    config  sections `prepare`, `fit` and `net`, whose keys are the fields of PrepareConfig, CompletionFitConfig and
            CompletionNetConfig; unknown keys are errors
    """
    unknown = set(config) - {"prepare", "fit", "net"}
    if unknown:
        raise Geo3DError(f"unknown sections {sorted(unknown)} (known: prepare, fit, net)")
    settings = dict(config.get("prepare", {}))
    settings["shapes"] = Path(settings.get("shapes", "../shared/data/mesh"))
    for key in ("points", "repositories", "without"):
        settings[key] = tuple(settings.get(key, getattr(PrepareConfig, key)))
    try:
        first = PrepareConfig(**settings)
        second = CompletionFitConfig(**config.get("fit", {}), net=CompletionNetConfig(**config.get("net", {})))
    except TypeError as error:
        raise Geo3DError(f"the configuration does not fit: {error}") from error
    views, held = out / "views.safetensors", out / "validation.safetensors"
    unseen = replace(first, validation=True, clouds=max(24, first.clouds // 25))
    if shapes_of(unseen) and not held.exists():
        prepare(unseen, held)
    if not views.exists():
        prepare(first, views)
    say(f"weights: {fit(second, views, out, held if held.exists() else None)}")
