"""How many ways lead to a refined pose, and what speaks for other poses.

Wrong groups of matches disagree with each other, right ones do not, whatever feature they come from; and alignments
that start far apart end together at a true pose more often than anywhere else.  A pose that lays one thing on its copy
explains the matches on that thing alone: the surroundings that it lays on each other match elsewhere, or nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from geo3d.registration.frames.candidates import Candidate
from geo3d.registration.frames.propose import Matches
from geo3d.registration.se3 import inverse

AGREE_TURN = np.deg2rad(15)
AGREE_MOVE = 0.15  # of the median depth, as the next
SAME_TURN = np.deg2rad(5)
SAME_MOVE = 0.05
# Matches within this of where a pose lays them are explained by it; a point this near to one of the target's points is
# laid on the target.  Voxels.
EXPLAINED = 2.0
LAID = 1.5
# Counts are compared with this many added: three matches against none say little.
FEW = 5.0


def support(
    refined: Sequence[Candidate],
    hypotheses: NDArray[np.float64],
    sources: Sequence[str],
    ends: NDArray[np.float64],
    depth: float,
    matches: Mapping[str, Matches],
    voxel: float,
) -> NDArray[np.float64]:
    """[N, len(SUPPORT)] of each refined pose: log of the share of hypotheses that agree with it; the share of sources
    that have one that agrees; the share of all coarse alignments that ended in the same place; of the matches whose
    source it lays on the target, the share that it explains; the same for image features; log of how many times more
    matches it explains than the best other hypothesis does of the rest.

    Parameters
    ----------
    hypotheses, sources : [H, 4, 4] poses before refinement and the name of each one's source.
    ends : [E, 4, 4] where coarse alignments of the shortlist ended.
    depth : median depth of the two frames, metres.
    matches : of each source.
    voxel : edge of the feature grid, metres.
    """
    names = np.array(sources)
    every = np.unique(names)
    votes = _Votes(matches, hypotheses, voxel)
    rows = []
    for T in (c.T for c in refined):
        agree = within(hypotheses, T, AGREE_MOVE * depth, AGREE_TURN)
        same = within(ends, T, SAME_MOVE * depth, SAME_TURN)
        rows.append(
            [
                np.log(agree.mean() + 0.02) if len(agree) else np.log(0.02),
                len(np.unique(names[agree])) / max(len(every), 1),
                same.mean() if len(same) else 0.0,
                *votes.of(T, ~agree),
            ]
        )
    return np.array(rows).reshape(-1, 6)


class _Votes:
    """What the matches of a pair say to a pose."""

    def __init__(self, matches: Mapping[str, Matches], hypotheses: NDArray[np.float64], voxel: float) -> None:
        from scipy.spatial import cKDTree

        self.source, self.target = (
            np.concatenate([m[k] for m in matches.values()] or [np.zeros((0, 3))]) for k in (0, 1)
        )
        self.lifted = np.repeat([name == "lifted" for name in matches], [len(m[0]) for m in matches.values()])
        self.tree = cKDTree(self.target) if len(self.target) else None
        self.voxel = voxel
        # Which hypothesis explains which match, [H, M]; float32, so that sums over it are one product.
        self.explained = self._explained(hypotheses).astype(np.float32)

    def _explained(self, poses: NDArray[np.float64]) -> NDArray[np.bool_]:
        """[P, M] by poses [P, 4, 4]."""
        squared = np.zeros((len(poses), len(self.source)))
        for axis in range(3):
            off = poses[:, axis, :3] @ self.source.T + poses[:, axis, 3:] - self.target[:, axis]
            squared += off * off
        return np.asarray(squared < (EXPLAINED * self.voxel) ** 2)

    def of(self, T: NDArray[np.float64], others: NDArray[np.bool_]) -> list[float]:
        """The last three columns of `support`; others [H]: the hypotheses that exclude T."""
        if self.tree is None:
            return [0.0, 0.0, 0.0]
        explained = self._explained(T[None])[0]
        moved = self.source @ T[:3, :3].T + T[:3, 3]
        laid = explained | np.isfinite(self.tree.query(moved, distance_upper_bound=LAID * self.voxel)[0])
        kept, kept_lifted = (explained[m].sum() / (m.sum() + FEW) for m in (laid, laid & self.lifted))
        rest = (self.explained[others] @ (~explained).astype(np.float32)).max() if others.any() else 0.0
        lead = np.log((explained.sum() + FEW) / (rest + FEW))
        return [float(kept), float(kept_lifted), float(lead)]


def within(poses: NDArray[np.float64], T: NDArray[np.float64], move: float, turn: float) -> NDArray[np.bool_]:
    """[N] are poses [N, 4, 4] within a distance [m] and a turn [rad] of T?"""
    D = inverse(T) @ poses
    cosine = (np.trace(D[:, :3, :3], axis1=1, axis2=2) - 1) / 2
    return np.asarray((np.linalg.norm(D[:, :3, 3], axis=1) < move) & (cosine > np.cos(turn)))
