"""What a verdict would accept of pairs it was not trained on, at several thresholds, as registration decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.registration.frames.register_frames import RIVAL_MOVE, verdict
from geo3d.registration.frames.verifier import Logistic
from geo3d.registration.training.gather import Evidence
from geo3d.registration.training.pairs import BINS

THRESHOLDS = (0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9)
NAMES = ("low", "mid", "high")


@dataclass(frozen=True)
class Verdict:
    """The best pose of one pair: overlap of the pair, label of the pose (see `Evidence`), probability beside rivals."""

    overlap: float
    label: int
    probability: float


@dataclass(frozen=True, eq=False)
class _Pose:
    T: NDArray[np.float64]


def verdicts(found: Evidence, full: Logistic, own: Logistic) -> list[Verdict]:
    """One a pair, by the models of all evidence and of what is seen at the poses alone."""
    result = []
    for k, (overlap, depth) in enumerate(zip(found.overlap, found.depth, strict=True)):
        rows = np.flatnonzero(found.full_pair == k)
        if not len(rows):
            continue
        logits, seen = (model.logit(found.full[rows]) for model in (full, own))
        probability, _ = verdict([_Pose(T) for T in found.full_pose[rows]], logits, seen, RIVAL_MOVE * float(depth))
        result.append(Verdict(float(overlap), int(found.full_label[rows[logits.argmax()]]), probability))
    return result


def by_threshold(found: Sequence[Verdict]) -> list[dict[str, Any]]:
    """Per threshold: percent of each bin's pairs whose right pose is accepted, and how many wrong poses are."""
    rows = []
    for threshold in THRESHOLDS:
        row: dict[str, Any] = {"threshold": threshold, "pairs": len(found)}
        for name, (low, high) in zip(NAMES, BINS[1:], strict=True):
            bin_ = [v for v in found if low <= v.overlap < high]
            right = sum(v.label == 1 and v.probability >= threshold for v in bin_)
            row[name] = 100 * right / len(bin_) if bin_ else None
        row["wrong"] = sum(v.label == 0 and v.probability >= threshold for v in found)
        rows.append(row)
    return rows
