"""All that is looked at between two frames: matches, hypotheses, and a few refined poses with their evidence.

matches ─▶ propose ─▶ shortlist ─▶ coarse ─▶ the best distinct ─▶ fine ─▶ evidence
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo3d.registration.frames.candidates import Candidate, median_depth, refine_best, shortlist
from geo3d.registration.frames.describe import FrameDescription
from geo3d.registration.frames.propose import SOURCES, matches_of, propose
from geo3d.registration.frames.support import support
from geo3d.registration.frames.verifier import Logistic


@dataclass(frozen=True, eq=False)
class Found:
    """proposed [H, 4, 4] hypotheses of T_target_source; refined poses; evidence [N, len(FULL)]; depth [m], median."""

    proposed: NDArray[np.float64]
    refined: list[Candidate]
    evidence: NDArray[np.float64]
    depth: float


def search(
    source: FrameDescription,
    target: FrameDescription,
    quick: Logistic,
    guesses: Sequence[NDArray[np.float64]],
    *,
    sources: tuple[str, ...] = tuple(SOURCES),
) -> Found:
    """Look for T_target_source among hypotheses and guesses [4, 4].

    Parameters
    ----------
    quick : ranks what is not refined yet.
    sources : kinds of matches to use.
    """
    a, b = source.maps, target.maps
    matches = matches_of(source, target, sources)
    proposed, names = propose(matches, max(source.voxel, target.voxel))
    poses = np.concatenate([proposed, np.stack(guesses)])
    starts = shortlist(a, b, poses, quick)
    depth = median_depth(a, b)
    refined, ends = refine_best(a, b, starts, quick, list(matches.values()), max(source.voxel, target.voxel))
    ways = support(refined, proposed, names, ends, depth, matches, max(source.voxel, target.voxel))
    evidence = np.hstack([np.stack([c.evidence for c in refined]), ways])
    return Found(proposed, refined, evidence, depth)
