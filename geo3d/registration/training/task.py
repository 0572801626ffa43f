"""The training task `registration-verifier`: gather evidence, fit, hold each set out once, write weights and card."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.config import from_dict
from geo3d.console import progress, say, to_json
from geo3d.errors import Geo3DError
from geo3d.io.atomic import atomic_path, write_text
from geo3d.registration.frames.evidence import FULL, QUICK, SUPPORT
from geo3d.registration.frames.verifier import Logistic, logistic_of
from geo3d.registration.training.accepted import Verdict, by_threshold, verdicts
from geo3d.registration.training.fit import area_under_roc, fit_logistic
from geo3d.registration.training.gather import Evidence, first_glance, gather
from geo3d.registration.training.pairs import folder_pairs, read_images, synthetic_pairs, without_color
from geo3d.synthetic import SENSORS, repeats


@dataclass(frozen=True)
class VerifierConfig:
    """What to learn from.

    folders  RGB-D folders with poses
    rooms    seeds of synthetic rooms, [first, last); every sensor takes its turn and is one set
    repeated seeds of rooms likewise, of which only those are taken that hold copies of the same things
    images   a folder of pictures for the rooms' textures; empty: procedural textures alone
    pairs_per_bin, room_pairs_per_bin  pairs of each bin of overlap, a folder and a room
    colored  False: the frames' colour is taken away
    """

    folders: list[str] = field(default_factory=list)
    rooms: list[int] = field(default_factory=lambda: [100, 170])
    repeated: list[int] = field(default_factory=lambda: [0, 0])
    images: str = ""
    pairs_per_bin: int = 25
    room_pairs_per_bin: int = 3
    colored: bool = True
    ridge: float = 3.0
    threshold: float = 0.6
    seed: int = 1


def train_verifier(settings: dict[str, Any], folder: Path) -> None:
    """Write `verifier.json`, or `verifier_plain.json` if colour was taken away (both for
    `geo3d/registration/frames`), and `report.json` into `folder`; gathered sets are kept.

    Run again, it goes on with the sets that are missing.
    """
    config = from_dict(VerifierConfig, settings)
    sets = {name: _gathered(folder / f"{name}.npz", pairs, config) for name, pairs in sources_of(config).items()}
    if not sets:
        raise Geo3DError("the verifier needs folders or rooms to train on; the configuration names none")
    held_out: dict[str, dict[str, float]] = {}
    judged: list[Verdict] = []
    for name in sets if len(sets) > 1 else ():
        held_out[name], some = _held_out(sets, name, config.ridge, config.threshold)
        judged += some
    quick = fit_logistic(*_joined(list(sets.values()), "quick"), QUICK, config.ridge)
    full, own = _full_and_own(list(sets.values()), config.ridge)
    weights = {"quick": plain(quick), "full": plain(full), "own": plain(own), "threshold": config.threshold}
    name = "verifier.json" if config.colored else "verifier_plain.json"
    write_text(folder / name, to_json(weights, indent=1) + "\n")
    accepted = by_threshold(judged)
    write_text(folder / "report.json", to_json({"held_out": held_out, "accepted": accepted}, indent=1) + "\n")
    for name, numbers in held_out.items():
        say(f"{name} held out: " + ", ".join(f"{k} {v:.4g}" for k, v in numbers.items()))
    for row in accepted:
        say("held out, " + ", ".join(f"{k} {v if v is None else round(v, 2)}" for k, v in row.items()))


def sources_of(config: VerifierConfig) -> dict[str, Any]:
    """Pairs by the name of their set, made as they are asked for."""
    sources: dict[str, Any] = {}
    for text in config.folders:
        sources[Path(text).name] = folder_pairs(Path(text), config.pairs_per_bin, config.seed)
    images = read_images(Path(config.images)) if config.images else ()
    for k, sensor in enumerate(SENSORS):
        seeds = [*range(*config.rooms), *filter(repeats, range(*config.repeated))]
        rooms = [r for r in seeds if r % len(SENSORS) == k]
        if rooms:
            sources[f"rooms_{sensor}"] = synthetic_pairs(rooms, config.room_pairs_per_bin, images=images)
    return sources


def _gathered(path: Path, pairs: Any, config: VerifierConfig) -> Evidence:
    if not path.exists():
        pairs = progress(pairs, path.stem)
        evidence = gather(pairs if config.colored else map(without_color, pairs), first_glance(), config.seed)
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.savez(file, **vars(evidence))
    with np.load(path) as data:
        return Evidence(**{k: data[k] for k in data.files})


def _joined(sets: list[Evidence], kind: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    x = np.concatenate([getattr(s, kind) for s in sets])
    y = np.concatenate([getattr(s, f"{kind}_label") for s in sets])
    return x[y >= 0], y[y >= 0]


def _held_out(
    sets: dict[str, Evidence], name: str, ridge: float, threshold: float
) -> tuple[dict[str, float], list[Verdict]]:
    """Train on all other sets and judge this one: as another sensor or place would be."""
    others = [s for key, s in sets.items() if key != name]
    (x, y), raw = (_joined([sets[name]], kind) for kind in ("full", "quick"))
    full, own = _full_and_own(others, ridge)
    quick = fit_logistic(*_joined(others, "quick"), QUICK, ridge)
    numbers = {
        "poses": float(len(x)),
        "auc": area_under_roc(full.logit(x), y),
        "auc_quick": area_under_roc(quick.logit(raw[0]), raw[1]),
        "right_accepted": float((full.probability(x) > threshold)[y == 1].mean()),
        "wrong_accepted": float((full.probability(x) > threshold)[y == 0].mean()),
    }
    return numbers, verdicts(sets[name], full, own)


def _full_and_own(sets: list[Evidence], ridge: float) -> tuple[Logistic, Logistic]:
    """Models of all evidence, and without the ways that led to a pose."""
    x, y = _joined(sets, "full")
    seen = [k for k, name in enumerate(FULL) if name not in SUPPORT]
    own = fit_logistic(x[:, seen], y, tuple(FULL[k] for k in seen), ridge)
    return fit_logistic(x, y, FULL, ridge), logistic_of(plain(own), FULL)


def plain(model: Logistic) -> dict[str, Any]:
    """A model as JSON holds it; inverse of `logistic_of`."""
    return {
        "names": list(model.names),
        "mean": model.mean.round(6).tolist(),
        "deviation": model.deviation.round(6).tolist(),
        "weights": model.weights.round(5).tolist(),
        "bias": round(model.bias, 5),
    }
