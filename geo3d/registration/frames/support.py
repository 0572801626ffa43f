"""How many ways lead to a refined pose.

Wrong groups of matches disagree with each other, right ones do not, whatever feature they come from; and alignments
that start far apart end together at a true pose more often than anywhere else.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from geo3d.registration.frames.candidates import Candidate
from geo3d.registration.se3 import inverse

AGREE_TURN = np.deg2rad(15)
AGREE_MOVE = 0.15  # of the median depth, as the next
SAME_TURN = np.deg2rad(5)
SAME_MOVE = 0.05


def support(
    refined: Sequence[Candidate],
    hypotheses: NDArray[np.float64],
    sources: Sequence[str],
    ends: NDArray[np.float64],
    depth: float,
) -> NDArray[np.float64]:
    """[N, 3] of each refined pose: log of the share of hypotheses that agree with it; the share of sources that have
    one that agrees; the share of all coarse alignments that ended in the same place.

    Parameters
    ----------
    hypotheses, sources : [H, 4, 4] poses before refinement and the name of each one's source.
    ends : [E, 4, 4] where coarse alignments of the shortlist ended.
    depth : median depth of the two frames, metres.
    """
    names = np.array(sources)
    every = np.unique(names)
    rows = []
    for T in (c.T for c in refined):
        agree = within(hypotheses, T, AGREE_MOVE * depth, AGREE_TURN)
        same = within(ends, T, SAME_MOVE * depth, SAME_TURN)
        rows.append(
            [
                np.log(agree.mean() + 0.02) if len(agree) else np.log(0.02),
                len(np.unique(names[agree])) / max(len(every), 1),
                same.mean() if len(same) else 0.0,
            ]
        )
    return np.array(rows).reshape(-1, 3)


def within(poses: NDArray[np.float64], T: NDArray[np.float64], move: float, turn: float) -> NDArray[np.bool_]:
    """[N] are poses [N, 4, 4] within a distance [m] and a turn [rad] of T?"""
    D = inverse(T) @ poses
    cosine = (np.trace(D[:, :3, :3], axis1=1, axis2=2) - 1) / 2
    return np.asarray((np.linalg.norm(D[:, :3, 3], axis=1) < move) & (cosine > np.cos(turn)))
