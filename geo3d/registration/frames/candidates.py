"""From many raw hypotheses to a few refined ones with their evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo3d.registration.dense import Alignment, FrameMaps, align
from geo3d.registration.dense.consistency import Consistency, consistency
from geo3d.registration.frames.anchor import Anchor, anchor
from geo3d.registration.frames.evidence import full_evidence, quick_evidence
from geo3d.registration.frames.propose import Matches
from geo3d.registration.frames.verifier import Logistic
from geo3d.registration.se3 import angle, inverse

KEEP = 12
# Two hypotheses within this are one: alignment will bring them together.
SAME_TURN = np.deg2rad(8)
SAME_MOVE = 0.06  # of the median depth
# Aligned on the coarsest level, poses within this go the same way; so many are aligned fully.
SAME_END_TURN = np.deg2rad(4)
SAME_END_MOVE = 0.03
FINE = 6


@dataclass(frozen=True, eq=False)
class Candidate:
    """A refined pose T_b_a, how it was seen from both cameras, and the evidence for it."""

    T: NDArray[np.float64]
    alignment: Alignment
    seen: Consistency
    evidence: NDArray[np.float64]


def median_depth(a: FrameMaps, b: FrameMaps) -> float:
    """Metres, of both frames together."""
    return float(np.median(np.concatenate([m.levels[2].points[:, 2] for m in (a, b)])))


def shortlist(
    a: FrameMaps, b: FrameMaps, poses: NDArray[np.float64], quick: Logistic, keep: int = KEEP
) -> list[NDArray[np.float64]]:
    """The best distinct hypotheses by what a glance through both cameras says."""
    if not len(poses):
        return []
    colored = a.colored and b.colored
    x = np.stack([quick_evidence(consistency(a, b, T, level=2), colored) for T in poses])
    move = SAME_MOVE * median_depth(a, b)
    chosen: list[NDArray[np.float64]] = []
    for k in np.argsort(-quick.logit(x), kind="stable"):
        if len(chosen) == keep:
            break
        if not any(same_pose(poses[k], T, move) for T in chosen):
            chosen.append(poses[k])
    return chosen


def refine_best(
    a: FrameMaps,
    b: FrameMaps,
    starts: Sequence[NDArray[np.float64]],
    quick: Logistic,
    matches: Sequence[Matches],
    voxel: float,
    keep: int = FINE,
) -> tuple[list[Candidate], NDArray[np.float64]]:
    """Refine the starts on the coarsest level, and the `keep` best distinct ones fully, held by the matches near them.

    Returns the candidates, and where each start ended on the coarsest level [N, 4, 4].
    """
    if not starts:
        return [], np.zeros((0, 4, 4))
    s, t = (np.ascontiguousarray(np.concatenate([m[k] for m in matches] or [np.zeros((0, 3))])) for k in (0, 1))
    anchors = [anchor(s, t, T, voxel) for T in starts]
    coarse = [_aligned(a, b, T, held, (2,)).T_target_source for T, held in zip(starts, anchors, strict=True)]
    colored = a.colored and b.colored
    x = np.stack([quick_evidence(consistency(a, b, T, level=2), colored) for T in coarse])
    move = SAME_END_MOVE * median_depth(a, b)
    chosen: list[int] = []
    for k in np.argsort(-quick.logit(x), kind="stable"):
        if len(chosen) < keep and not any(same_pose(coarse[k], coarse[c], move, SAME_END_TURN) for c in chosen):
            chosen.append(int(k))
    return [_refined(a, b, coarse[k], anchors[k]) for k in chosen], np.stack(coarse)


def refine(a: FrameMaps, b: FrameMaps, T: NDArray[np.float64]) -> Candidate:
    """Align densely, coarse to fine, and gather the evidence at the result."""
    return _refined(a, b, _aligned(a, b, T, None, (2,)).T_target_source, None)


def _refined(a: FrameMaps, b: FrameMaps, T: NDArray[np.float64], held: Anchor | None) -> Candidate:
    alignment = _aligned(a, b, T, held, (1, 0))
    T = alignment.T_target_source
    seen, coarse = consistency(a, b, T, level=1), consistency(a, b, T, level=2)
    evidence = full_evidence(seen, coarse, alignment, a.colored and b.colored, median_depth(a, b))
    return Candidate(T, alignment, seen, evidence)


def _aligned(
    a: FrameMaps, b: FrameMaps, T: NDArray[np.float64], held: Anchor | None, levels: Sequence[int]
) -> Alignment:
    prior = None if held is None else (held.T, held.information)
    return align(a, [(b, np.eye(4))], T, levels=levels, stride=2, prior=prior)


def same_pose(A: NDArray[np.float64], B: NDArray[np.float64], move: float, turn: float = SAME_TURN) -> bool:
    """Are two poses within a distance [m] and a turn [rad] of each other?"""
    D = inverse(A) @ B
    return bool(np.linalg.norm(D[:3, 3]) < move and angle(D) < turn)
