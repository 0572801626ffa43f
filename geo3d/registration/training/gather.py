"""Evidence for right and wrong poses of pairs whose truth is known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo3d.registration.dense.consistency import consistency
from geo3d.registration.frames.candidates import median_depth, refine, same_pose, shortlist
from geo3d.registration.frames.describe import describe_frame
from geo3d.registration.frames.evidence import quick_evidence
from geo3d.registration.frames.propose import propose
from geo3d.registration.frames.verifier import Logistic
from geo3d.registration.se3 import angle, exp_se3, inverse
from geo3d.registration.training.pairs import FramePair


@dataclass(frozen=True, eq=False)
class Evidence:
    """quick [N, Q], full [M, F] with labels (1 right, 0 wrong) and the pair each row belongs to."""

    quick: NDArray[np.float64]
    quick_label: NDArray[np.int64]
    full: NDArray[np.float64]
    full_label: NDArray[np.int64]
    full_pair: NDArray[np.int64]


def gather(pairs: Iterable[FramePair], quick: Logistic, seed: int, per_pair: int = 8) -> Evidence:
    """Propose, shortlist and refine poses for every pair, add the truth shaken, and label all by the truth.

    Poses between right (5 degrees, 10 cm, or 5 % of the depth) and wrong (10 degrees, 30 cm) are left out: the truth
    itself drifts by centimetres in real data.
    """
    rng = np.random.default_rng(seed)
    quick_x, quick_y, full_x, full_y, owner = [], [], [], [], []
    for number, pair in enumerate(pairs):
        a, b = describe_frame(pair.source), describe_frame(pair.target)
        depth = median_depth(a.maps, b.maps)
        truth = pair.T_target_source
        poses, _ = propose(a, b)
        shaken = [exp_se3(rng.normal(size=6) * np.repeat([0.06, 0.04 * depth], 3)) @ truth for _ in range(2)]
        poses = np.concatenate([poses, np.stack([np.eye(4), *shaken])])
        colored = a.maps.colored and b.maps.colored
        for k in rng.permutation(len(poses))[:40]:
            label = _label(poses[k], truth, pair.overlap, 15, min(0.3, 0.15 * depth), 2.0)
            if label is not None:
                quick_x.append(quick_evidence(consistency(a.maps, b.maps, poses[k], level=2), colored))
                quick_y.append(label)
        chosen = shortlist(a.maps, b.maps, poses, quick, per_pair)
        for T in [*chosen, *(s for s in shaken[:1] if not any(same_pose(s, c, 0.05 * depth) for c in chosen))]:
            found = refine(a.maps, b.maps, T)
            label = _label(found.T, truth, pair.overlap, 5, min(0.10, 0.05 * depth), 2.5)
            if label is not None:
                full_x.append(found.evidence)
                full_y.append(label)
                owner.append(number)
    return Evidence(np.array(quick_x), np.array(quick_y), np.array(full_x), np.array(full_y), np.array(owner))


def _label(
    T: NDArray[np.float64], truth: NDArray[np.float64], overlap: float, degrees: float, metres: float, margin: float
) -> int | None:
    D = inverse(truth) @ T
    turn, move = np.rad2deg(angle(D)), float(np.linalg.norm(D[:3, 3]))
    if turn < degrees and move < metres:
        # A right pose of frames that share nothing cannot be confirmed: it must not be believed either.
        return 1 if overlap > 0 else None
    return 0 if turn > margin * degrees or move > margin * metres else None
