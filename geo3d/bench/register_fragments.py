"""`geo3d bench register --data 3dmatch:PATH`: registration recall by 3DMatch's protocol, beside the peers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from geo3d.bench.fragments_3dmatch import LIMIT, fragment_pairs
from geo3d.bench.register_methods import METHODS, measured
from geo3d.bench.register_pairs import Case
from geo3d.bench.suite import Row, Suite


def rows(data: Path | None) -> Iterator[Row]:
    """One row a method and pair."""
    yield from resumed(data, {})


def resumed(data: Path | None, kept: Mapping[str, Row]) -> Iterator[Row]:
    """The same, with the rows that an earlier run has kept."""
    for pair in fragment_pairs(data or Path()):
        case = Case(pair.key, pair.scene, pair.source, pair.target, pair.T_target_source, float("nan"))
        for name, method in METHODS.items():
            key = f"{case.key}: {name}"
            if name == "lifted sift":
                continue
            if key in kept:
                yield kept[key]
                continue
            row, T = measured(case, name, method)
            error = None if T is None else pair.rmse(T)
            recalled = None if error is None else error < LIMIT
            yield row | {"rmse": error, "recalled": recalled, "consecutive": pair.consecutive}


def summary(found: list[Row]) -> list[Row]:
    """A row a method: recall over the pairs that are not consecutive, mean over the scenes as is usual, and the
    same of accepted answers; wrong answers that were accepted; median errors of recalled pairs."""
    result = []
    for name in dict.fromkeys(r["method"] for r in found):
        mine = [r for r in found if r["method"] == name and not r.get("consecutive")]
        scenes = [[r for r in mine if r["set"] == s] for s in dict.fromkeys(r["set"] for r in mine)]
        right = [r for r in mine if r.get("recalled")]
        result.append(
            {
                "method": name,
                "pairs": len(mine),
                "recall_%": _mean([[bool(r.get("recalled")) for r in s] for s in scenes]),
                "accepted_recall_%": _mean([[bool(r.get("recalled") and r["accepted"]) for r in s] for s in scenes]),
                "gross_%": _mean([[r.get("recalled") is False and r["accepted"] for r in mine]]),
                "degrees": float(np.median([r["degrees"] for r in right])) if right else None,
                "metres": float(np.median([r["metres"] for r in right])) if right else None,
                "cpu_s": float(np.median([r["cpu_s"] for r in mine if "cpu_s" in r])) if mine else None,
            }
        )
    return result


def _mean(groups: list[list[bool]]) -> float | None:
    shares = [100 * float(np.mean(g)) for g in groups if g]
    return float(np.mean(shares)) if shares else None


SUITE: Suite = {
    "description": "fragment pairs in 3DMatch's layout: registration recall by its protocol",
    "columns": [
        "set", "method", "pairs", "recall_%", "accepted_recall_%", "gross_%", "degrees", "metres", "rmse", "accepted",
        "cpu_s",
    ],
    "rows": rows,
    "summary": summary,
    "resumed": resumed,
}  # fmt: skip
