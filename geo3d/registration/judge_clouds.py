"""Is a pose of two clouds right?  A probability learned on pairs with known poses and, if it is too low, the reason."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from geo3d.registration.cloud_search import EVIDENCE, CloudCandidate
from geo3d.registration.degenerate import open_directions
from geo3d.registration.frames.register_frames import posterior
from geo3d.registration.frames.verifier import Logistic, logistic_of
from geo3d.registration.prepare import CloudPair

# Of the mean eigenvalue of the information: below this, alignment does not fix the pose, whatever else agrees.
FIXED = 2e-3
# Below these no right pose of the training lay: share of normals that agree where surfaces meet, and of points close
# to their partner's plane.  Further out the model only extrapolates.
LEAST_FACING, LEAST_CLOSE = 0.55, 0.5
REFUSED = 0.3
# Poses farther apart than this, voxels, or 8 degrees, exclude each other.
RIVAL_MOVE = 4.0
# Poses nearer than this, degrees and voxels, are the same.
SAME_ANGLE, SAME_MOVE = 3.0, 2.0
# What the search for clouds and the other one must at least hold of a pose that they share.
HALF, SOME = 0.5, 0.2


@cache
def load_cloud_verifier() -> tuple[Logistic, float]:
    """The trained verdict that comes with the package, and the least probability that is accepted."""
    data = json.loads(files("geo3d.registration").joinpath("cloud_verifier.json").read_text())
    return logistic_of(data["full"], EVIDENCE), float(data["threshold"])


def judge(
    pair: CloudPair, candidates: Sequence[CloudCandidate], evidence: NDArray[np.float64]
) -> tuple[int, float, str]:
    """Number of the best candidate, its probability, and why it is refused (empty: it is accepted).

    Parameters
    ----------
    evidence : [N, len(EVIDENCE)] of the candidates.
    """
    model, threshold = load_cloud_verifier()
    logits = model.logit(evidence)
    best = int(logits.argmax())
    probability, alone = posterior(candidates, logits, RIVAL_MOVE * pair.voxel)
    seen = candidates[best].seen
    slides = seen.eigenvalues[0] < FIXED * seen.eigenvalues.mean()
    if slides or seen.facing < LEAST_FACING or seen.close < LEAST_CLOSE:
        probability = min(probability, REFUSED)
    elif probability >= threshold:
        return best, probability, ""
    if seen.overlap < 0.1:
        reason = f"no common surface found: at the best pose {seen.overlap:.0%} of the smaller cloud finds a partner"
    elif slides:
        open_ones = " and ".join(open_directions(seen.eigenvalues, seen.eigenvectors, FIXED))
        reason = f"the clouds share too little shape to fix the pose: {open_ones} changes nothing"
    elif alone >= threshold:
        reason = "ambiguous: another pose fits about as well; give --init, or clouds with less symmetry"
    elif seen.facing < 0.6:
        reason = f"surfaces meet at the best pose, but {1 - seen.facing:.0%} of their normals disagree"
    elif seen.close < LEAST_CLOSE:
        reason = f"surfaces meet at the best pose, but only {seen.close:.0%} of the points lie on the other cloud's"
    else:
        low = min(seen.source, seen.target)
        reason = f"the best pose is not convincing (overlap {low:.0%} to {seen.overlap:.0%}, {probability:.2f} likely)"
    return best, probability, reason


def agreed(
    pair: CloudPair, T: NDArray[np.float64], probability: float, other: NDArray[np.float64], others: float
) -> float:
    """Probability of a pose that two searches found by themselves, each unsure; 0 where that does not convince.

    Searches that go by different evidence seldom end in the same wrong place (of 13 pairs without overlap one came near
    it, which both verdicts held for wrong): where neither excludes the pose, it is wrong only if both verdicts are.

    Parameters
    ----------
    T, other : [4, 4] of the centred clouds, with the probabilities that their own searches gave them.
    """
    apart = np.linalg.inv(other) @ T
    angle = np.degrees(np.arccos(np.clip((np.trace(apart[:3, :3]) - 1) / 2, -1.0, 1.0)))
    # The clouds are centred, so that this is how far the source's middle moves.
    moved = np.linalg.norm(T[:3, 3] - other[:3, 3])
    if angle > SAME_ANGLE or moved > SAME_MOVE * pair.voxel or probability < HALF or others < SOME:
        return 0.0
    both = 1 - (1 - probability) * (1 - others)
    return both if both >= load_cloud_verifier()[1] else 0.0
