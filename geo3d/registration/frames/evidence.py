"""The numbers that tell right poses from wrong ones: geometry, photometry, and how many ways lead there.

Counts of feature matches differ between sensors and are left out on purpose; shares of the hypotheses do not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo3d.registration.dense.align import Alignment
from geo3d.registration.dense.consistency import Consistency

QUICK = (
    "log_overlap",
    "consistent",
    "worse_consistent",
    "sqrt_violation",
    "sqrt_worse_violation",
    "occluded",
    "grey",
    "tone",
    "magnitude",
    "chroma",
    "overlap_tone",
    "colored",
)
SUPPORT = ("agreeing", "sources", "basin", "kept", "kept_lifted", "lead")
FULL = (
    *QUICK,
    "log_rmse",
    "matched",
    "log_least_eigenvalue",
    "log_geometric_eigenvalue",
    "log_align_rmse",
    "grey_coarse",
    "tone_coarse",
    *SUPPORT,
)


def quick_evidence(seen: Consistency, colored: bool) -> NDArray[np.float64]:
    """[len(QUICK)] for ranking hypotheses that are not refined yet."""
    return np.array(
        [
            np.log(seen.overlap + 0.02),
            seen.consistent,
            seen.worse_consistent,
            np.sqrt(seen.violation),
            np.sqrt(seen.worse_violation),
            seen.occluded,
            seen.grey,
            seen.tone,
            seen.magnitude,
            seen.chroma,
            seen.tone * min(seen.overlap, 0.5),
            float(colored),
        ]
    )


def full_evidence(
    seen: Consistency, coarse: Consistency, alignment: Alignment, colored: bool, median_depth: float
) -> NDArray[np.float64]:
    """[len(FULL) - len(SUPPORT)] for a refined pose, whatever other hypotheses there are.

    Parameters
    ----------
    seen, coarse : two-way checks at the middle and at the coarsest level.
    median_depth : of the two frames, metres; lengths are taken in its units.
    """
    least, geometric = (_least_eigenvalue(H, median_depth) for H in (alignment.information, alignment.geometric))
    return np.concatenate(
        [
            quick_evidence(seen, colored),
            [
                np.log(seen.rmse / median_depth + 1e-4),
                alignment.matched,
                np.log10(least + 1.0),
                np.log10(geometric + 1.0),
                np.log(alignment.rmse / median_depth + 1e-4),
                coarse.grey,
                coarse.tone,
            ],
        ]
    )


def _least_eigenvalue(H: NDArray[np.float64], length: float) -> float:
    """Smallest eigenvalue with translations in units of `length`."""
    D = np.diag([1, 1, 1, length, length, length])
    return float(max(np.linalg.eigvalsh(D @ H @ D)[0], 0.0))
