"""`geo3d bench register`: recall, refusal and time of our registration beside its peers, on the same pairs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from geo3d.bench import register_fragments
from geo3d.bench.register_methods import METHODS, Method, measured
from geo3d.bench.register_pairs import Case, cases, unseen_sensors
from geo3d.bench.suite import Row, Suite

BINS = (("low", 0.1, 0.3), ("mid", 0.3, 0.5), ("high", 0.5, 0.9), ("mid_high", 0.3, 0.9))


def rows(data: Path | None) -> Iterator[Row]:
    """One row a method and pair."""
    yield from resumed(data, {})


def resumed(data: Path | None, kept: Mapping[str, Row]) -> Iterator[Row]:
    """The same, with the rows that an earlier run has kept."""
    yield from measure(cases(data), METHODS, kept)


def _resumed_unseen(data: Path | None, kept: Mapping[str, Row]) -> Iterator[Row]:
    yield from measure(unseen_sensors(data), METHODS, kept)


def measure(found: Iterable[Case], methods: Mapping[str, Method], kept: Mapping[str, Row]) -> Iterator[Row]:
    """Run every method on every pair; the peers not again where a pair has lost its colour: they make no use of it, or
    cannot do without."""
    for case in found:
        for name, method in methods.items():
            if case.again and name != "geo3d":
                continue
            key = f"{case.key}: {name}"
            yield kept[key] if key in kept else measured(case, name, method)[0]


def summary(found: list[Row]) -> list[Row]:
    """A row a set and method: strict and loose recall of accepted answers by overlap, and gross errors."""
    result = []
    for where in dict.fromkeys(r["set"] for r in found):
        for name in dict.fromkeys(r["method"] for r in found):
            mine = [r for r in found if r["set"] == where and r["method"] == name]
            done = [r for r in mine if "degrees" in r]
            if not done:
                continue
            row: Row = {"set": where, "method": name, "pairs": len(mine)}
            row["none"] = sum(r["overlap"] == 0 for r in mine)
            for label, low, high in BINS:
                bin_ = [r for r in mine if low <= r["overlap"] < high]
                if bin_:
                    row[label] = len(bin_)
                    row[f"strict_{label}"] = 100 * sum(_right(r, 5, 0.10) for r in bin_) / len(bin_)
                    row[f"loose_{label}"] = 100 * sum(_right(r, 10, 0.30) for r in bin_) / len(bin_)
            wrong = sum(r["accepted"] and (r["overlap"] == 0 or not _right(r, 10, 0.30)) for r in done)
            row["gross_%"] = 100 * wrong / max(len(mine), 1)
            for clock in ("cpu_s", "wall_s"):
                times = [r[clock] for r in done if clock in r]
                row[clock] = float(np.median(times)) if times else None
            result.append(row)
    return result


def _right(row: Row, degrees: float, metres: float) -> bool:
    return bool(row.get("accepted") and row["degrees"] < degrees and row["metres"] < metres)


COLUMNS = [
    "set", "method", "pairs", "none", "low", "mid", "high", "strict_low", "strict_mid", "strict_high",
    "strict_mid_high", "loose_low", "loose_mid", "loose_high", "gross_%", "cpu_s", "wall_s",
]  # fmt: skip

UNSEEN: Suite = {
    "description": "the last sets alone: pairs of sensors that nothing was tuned on, as frames and clouds",
    "columns": COLUMNS,
    "rows": lambda data: _resumed_unseen(data, {}),
    "summary": summary,
    "resumed": _resumed_unseen,
}

SUITE: Suite = {
    "description": "RGB-D pairs: recall of accepted answers by overlap, gross errors, CPU seconds, against the peers",
    "columns": COLUMNS,
    "rows": rows,
    "summary": summary,
    "resumed": resumed,
    "protocols": {"3dmatch": register_fragments.SUITE, "unseen": UNSEEN},
}
