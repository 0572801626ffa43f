"""Is a pose of two clouds right?  A probability and, if it is too low, the reason for refusing."""

from __future__ import annotations

import numpy as np

from geo3d.registration.agreement import Agreement
from geo3d.registration.prepare import CloudPair

THRESHOLD = 0.5
# A distinct pose that scores this share of the best one leaves the choice open.
AMBIGUOUS = 0.93


def judge(pair: CloudPair, seen: Agreement, rival: float) -> tuple[float, str]:
    """(probability, reason); the reason is empty if the pose is accepted.

    Parameters
    ----------
    rival : score of the best distinct other pose as a share of this one's (0: none was looked at).
    """
    rmse = seen.rmse / pair.voxel if np.isfinite(seen.rmse) else 1.0
    low, high = min(seen.source, seen.target), max(seen.source, seen.target)
    # By hand, on 30 pairs of shapes and frames: the facing of neighbours is what chance cannot give; overlap alone
    # says next to nothing.
    z = -7.0 + 30.0 * (seen.facing - 0.75) + 4.0 * (high + low) - 3.0 * (rmse - 0.25) + 2.0 * max(seen.color, 0)
    z += 4.0 * max(0.0, 0.85 - rival)
    probability = float(1 / (1 + np.exp(-z)))
    if rival > AMBIGUOUS:
        probability = min(probability, 0.45)
    if probability >= THRESHOLD:
        return probability, ""
    if high < 0.1:
        return probability, f"no common surface found: at the best pose {high:.0%} of the smaller cloud finds a partner"
    if rival > AMBIGUOUS:
        return probability, "ambiguous: another pose fits as well; give --init, or clouds with less symmetry"
    if seen.facing < 0.6:
        return probability, f"surfaces meet at the best pose, but {1 - seen.facing:.0%} of their normals disagree"
    return (
        probability,
        f"the best pose is not convincing (overlap {low:.0%} to {high:.0%}, probability {probability:.2f})",
    )
