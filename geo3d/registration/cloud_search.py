"""All that is looked at between two clouds: hypotheses, and a few refined poses with their evidence.

hypotheses ─▶ best_distinct ─▶ coarse ICP ─▶ best_distinct ─▶ fine ICP ─▶ agreement ─▶ evidence
features,     overlap both                                                 both ways,    also a step along the
groups        ways                                                         colour        least fixed direction
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo3d.registration.agreement import Agreement, agreement
from geo3d.registration.cloud_hypotheses import best_distinct, cloud_hypotheses, near
from geo3d.registration.prepare import CloudPair
from geo3d.registration.refine_clouds import refine_clouds
from geo3d.registration.se3 import exp_se3

# Poses that are refined coarsely and finely, and source points that are used for it.
KEEP, FINE = 10, 5
COARSE_POINTS, FINE_POINTS = 1500, 3000
# How far a pose is moved along the direction that is fixed least, voxels, to see what that costs.
STEP = 1.5
# Coarsely refined poses within this ended together, voxels and radians; hypotheses within that agree.
SAME = (3.0, np.deg2rad(6))
AGREE = (6.0, np.deg2rad(15))

EVIDENCE = (
    "log_overlap",
    "log_larger_share",
    "facing",
    "log_rmse",
    "close",
    "color",
    "colored",
    "log_least_eigenvalue",
    "slide",
    "agreeing",
    "kinds",
    "basin",
)


@dataclass(frozen=True, eq=False)
class CloudCandidate:
    """A refined pose T between the centred clouds and how they agree there."""

    T: NDArray[np.float64]
    seen: Agreement


@dataclass(frozen=True, eq=False)
class CloudsFound:
    """Refined candidates, distinct or not, and their evidence [N, len(EVIDENCE)]."""

    refined: list[CloudCandidate]
    evidence: NDArray[np.float64]


def search_clouds(pair: CloudPair, guesses: Sequence[NDArray[np.float64]], seed: int) -> CloudsFound:
    """Look for T among hypotheses from features and guesses [4, 4], all between the centred clouds."""
    proposed, kinds = cloud_hypotheses(pair, seed)
    starts, _ = best_distinct(pair, np.concatenate([proposed, np.stack(guesses)]), KEEP)
    ends = np.stack([refine_clouds(pair, T, (3.0,), COARSE_POINTS) for T in starts])
    best, _ = best_distinct(pair, ends, FINE, SAME[0])
    fine = [refine_clouds(pair, T, (1.5, 1.0), FINE_POINTS) for T in best]
    refined = [CloudCandidate(T, agreement(pair, T)) for T in fine]
    # One start alone has nothing to end together with.
    together = ends if len(ends) > 1 else ends[:0]
    evidence = np.stack([_evidence(pair, c, proposed, kinds, together) for c in refined])
    return CloudsFound(refined, evidence)


def evidence_at(pair: CloudPair, T: NDArray[np.float64]) -> tuple[CloudCandidate, NDArray[np.float64]]:
    """A pose that another method found, as if it were the only one looked at."""
    one = CloudCandidate(T, agreement(pair, T))
    return one, _evidence(pair, one, np.zeros((0, 4, 4)), np.zeros(0, np.int64), T[None])


def score(seen: Agreement) -> float:
    """How well a pose looks, from 0; for comparing poses of one pair."""
    return float(np.sqrt(seen.source * seen.target) * seen.facing * (1 + 0.3 * max(seen.color, 0)))


def _evidence(
    pair: CloudPair,
    one: CloudCandidate,
    proposed: NDArray[np.float64],
    kinds: NDArray[np.int64],
    ends: NDArray[np.float64],
) -> NDArray[np.float64]:
    seen = one.seen
    rmse = seen.rmse / pair.voxel if np.isfinite(seen.rmse) else 1.0
    agree = np.array([near(T, one.T, AGREE[0] * pair.voxel, AGREE[1]) for T in proposed], bool)
    same = np.array([near(T, one.T, SAME[0] * pair.voxel, SAME[1]) for T in ends], bool)
    return np.array(
        [
            np.log(np.sqrt(seen.source * seen.target) + 0.02),
            np.log(seen.overlap + 0.02),
            seen.facing,
            np.log(rmse + 0.02),
            seen.close,
            seen.color,
            float(pair.source.colors is not None and pair.target.colors is not None),
            np.log10(seen.eigenvalues[0] + 1e-5),
            _slide(pair, one),
            np.log(agree.mean() + 0.02) if len(agree) else np.log(0.02),
            len(np.unique(kinds[agree])) / max(len(np.unique(kinds)), 1),
            same.mean() if len(same) else 0.0,
        ]
    )


def _slide(pair: CloudPair, one: CloudCandidate) -> float:
    """The better score of two poses a step off along the least fixed direction, as a share of this one's: 1 on a bare
    plane, where nothing tells them apart."""
    seen, here = one.seen, score(one.seen)
    if here <= 0:
        return 1.0
    xi = STEP * pair.voxel * seen.eigenvectors[:, 0] / np.repeat([seen.size, 1.0], 3)
    to, back = np.eye(4), np.eye(4)
    to[:3, 3], back[:3, 3] = seen.center, -seen.center
    moved = [to @ exp_se3(sign * xi) @ back @ one.T for sign in (1, -1)]
    return max(score(agreement(pair, T)) for T in moved) / here
