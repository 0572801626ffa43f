"""The training task `registration-cloud-verifier`: the verdict on poses of plain clouds, held out set by set."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.config import from_dict
from geo3d.console import progress, say, to_json
from geo3d.errors import Geo3DError
from geo3d.io.atomic import atomic_path, write_text
from geo3d.registration.cloud_search import EVIDENCE
from geo3d.registration.training.fit import area_under_roc, fit_logistic
from geo3d.registration.training.gather_clouds import CloudEvidence, gather_clouds
from geo3d.registration.training.pairs import FramePair
from geo3d.registration.training.task import VerifierConfig, plain, sources_of


def train_cloud_verifier(settings: dict[str, Any], folder: Path) -> None:
    """Write `cloud_verifier.json` (for `geo3d/registration`) and `cloud_report.json` into `folder`.

    Takes the settings of `registration-verifier`; gathered sets are kept, and a second run goes on with the others.
    """
    config = from_dict(VerifierConfig, settings)
    sets = {name: _gathered(folder / f"clouds_{name}.npz", p, config.seed) for name, p in sources_of(config).items()}
    if not sets:
        raise Geo3DError("the verifier needs folders or rooms to train on; the configuration names none")
    model = fit_logistic(*_joined(list(sets.values())), EVIDENCE, config.ridge)
    write_text(
        folder / "cloud_verifier.json",
        to_json({"full": plain(model), "threshold": config.threshold}, indent=1) + "\n",
    )
    held_out = {}
    for name in sets if len(sets) > 1 else ():
        others = fit_logistic(*_joined([s for key, s in sets.items() if key != name]), EVIDENCE, config.ridge)
        x, y = _joined([sets[name]])
        held_out[name] = {
            "poses": float(len(x)),
            "auc": area_under_roc(others.logit(x), y),
            "right_accepted": float((others.probability(x) > config.threshold)[y == 1].mean()),
            "wrong_accepted": float((others.probability(x) > config.threshold)[y == 0].mean()),
        }
        say(f"{name} held out: " + ", ".join(f"{k} {v:.4g}" for k, v in held_out[name].items()))
    write_text(folder / "cloud_report.json", to_json({"held_out": held_out}, indent=1) + "\n")


def _gathered(path: Path, pairs: Iterable[FramePair], seed: int) -> CloudEvidence:
    if not path.exists():
        evidence = gather_clouds(progress(pairs, path.stem), seed)
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.savez(file, **vars(evidence))
    with np.load(path) as data:
        return CloudEvidence(**{k: data[k] for k in data.files})


def _joined(sets: list[CloudEvidence]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    x, y = np.concatenate([s.full for s in sets]), np.concatenate([s.full_label for s in sets])
    return x[y >= 0], y[y >= 0]
