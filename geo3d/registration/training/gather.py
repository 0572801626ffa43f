"""Evidence for right and wrong poses of pairs whose truth is known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo3d.registration.dense.consistency import consistency
from geo3d.registration.frames.evidence import QUICK, quick_evidence
from geo3d.registration.frames.search import search
from geo3d.registration.frames.shelf import Shelf
from geo3d.registration.frames.verifier import Logistic
from geo3d.registration.se3 import angle, exp_se3, inverse
from geo3d.registration.training.pairs import FramePair


@dataclass(frozen=True, eq=False)
class Evidence:
    """Evidence of raw and of refined poses.

    quick [N, Q], full [M, F]  with labels: 1 right, 0 wrong, -1 between (or right without anything to confirm it)
    full_pair [M], full_pose [M, 4, 4]  the pair each row belongs to, and T_target_source
    overlap [P], depth [P]  of the pairs; depth: the median of both frames, metres
    """

    quick: NDArray[np.float64]
    quick_label: NDArray[np.int64]
    full: NDArray[np.float64]
    full_label: NDArray[np.int64]
    full_pair: NDArray[np.int64]
    full_pose: NDArray[np.float64]
    overlap: NDArray[np.float64]
    depth: NDArray[np.float64]


def first_glance() -> Logistic:
    """A hand-made ranking of raw hypotheses, so that what is gathered does not depend on an earlier training."""
    weights = {
        "log_overlap": 0.8, "consistent": 3.0, "sqrt_violation": -4.0, "tone": 2.0, "grey": 1.0, "overlap_tone": 4.0
    }  # fmt: skip
    w = np.array([weights.get(name, 0.0) for name in QUICK])
    return Logistic(QUICK, np.zeros(len(QUICK)), np.ones(len(QUICK)), w, 0.0)


def gather(pairs: Iterable[FramePair], quick: Logistic, seed: int) -> Evidence:
    """Search every pair as registration does, and label all poses by the truth.

    The quick ranking sees the truth shaken too.

    Poses between right (5 degrees, 10 cm, or 5 % of the depth) and wrong (10 degrees, 30 cm) are left out: the truth
    itself drifts by centimetres in real data.
    """
    rng = np.random.default_rng(seed)
    quick_x, quick_y, full_x, full_y, owner, full_pose, depths, overlaps = [], [], [], [], [], [], [], []
    shelf = Shelf()
    for number, pair in enumerate(pairs):
        a, b = shelf.pair(pair.source, pair.target)
        found = search(a, b, quick, [np.eye(4)])
        depth, proposed, truth = found.depth, found.proposed, pair.T_target_source
        depths.append(depth)
        overlaps.append(pair.overlap)
        shaken = [exp_se3(rng.normal(size=6) * np.repeat([0.06, 0.04 * depth], 3)) @ truth for _ in range(2)]
        poses = np.concatenate([proposed, np.stack([np.eye(4), *shaken])])
        colored = a.maps.colored and b.maps.colored
        for k in rng.permutation(len(poses))[:40]:
            label = label_pose(poses[k], truth, pair.overlap, 15, min(0.3, 0.15 * depth), 2.0)
            if label >= 0:
                quick_x.append(quick_evidence(consistency(a.maps, b.maps, poses[k], level=2), colored))
                quick_y.append(label)
        # The shaken truth is not refined: it would be a right pose that nothing leads to, which never happens in use.
        for one, evidence in zip(found.refined, found.evidence, strict=True):
            full_y.append(label_pose(one.T, truth, pair.overlap, 5, min(0.10, 0.05 * depth), 2.5))
            full_x.append(evidence)
            full_pose.append(one.T)
            owner.append(number)
    columns = (quick_x, quick_y, full_x, full_y, owner, full_pose, overlaps, depths)
    return Evidence(*map(np.array, columns))


def label_pose(
    T: NDArray[np.float64], truth: NDArray[np.float64], overlap: float, degrees: float, metres: float, margin: float
) -> int:
    """1 within degrees and metres of the truth, 0 beyond them by the margin, -1 between or right by chance."""
    D = inverse(truth) @ T
    turn, move = np.rad2deg(angle(D)), float(np.linalg.norm(D[:3, 3]))
    if turn < degrees and move < metres:
        # A right pose of frames that share nothing cannot be confirmed: it must not be believed either.
        return 1 if overlap > 0 else -1
    return 0 if turn > margin * degrees or move > margin * metres else -1
