"""Registration of two RGB-D frames.

frames ─▶ describe ─▶ search ─▶ verifier ─▶ result or refusal
          once a      poses     calibrated
          frame                 probability
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from geo3d.registration.degenerate import open_directions
from geo3d.registration.frames.candidates import Candidate, same_pose
from geo3d.registration.frames.describe import FrameDescription
from geo3d.registration.frames.search import search
from geo3d.registration.frames.verifier import Verifier, load_verifier
from geo3d.registration.result import RegistrationResult

# Poses farther apart than this share of the depth, or 8 degrees, exclude each other.
RIVAL_MOVE = 0.1


def register_descriptions(
    source: FrameDescription,
    target: FrameDescription,
    *,
    init: NDArray[np.float64] | None = None,
    verifier: Verifier | None = None,
) -> RegistrationResult:
    """Find T_target_source of two described frames, or refuse.

    Parameters
    ----------
    init : [4, 4] guess that is tried beside the frames' own hypotheses; the identity always is.
    verifier : None: the one that comes with the package.
    """
    start = time.perf_counter()
    verifier = verifier or load_verifier(source.maps.colored and target.maps.colored)
    guesses = [np.eye(4)] if init is None else [np.eye(4), init]
    found = search(source, target, verifier.quick, guesses)
    refined, depth = found.refined, found.depth
    logits, own = verifier.full.logit(found.evidence), verifier.own.logit(found.evidence)
    best = refined[int(logits.argmax())]
    probability, alone = verdict(refined, logits, own, RIVAL_MOVE * depth)
    reason = _reason(best, probability, alone, verifier.threshold)
    D = np.diag([1, 1, 1, depth, depth, depth])
    values, vectors = np.linalg.eigh(D @ best.alignment.information @ D)
    return RegistrationResult(
        T_target_source=best.T,
        converged=not reason,
        probability=probability,
        fitness=best.seen.overlap,
        rmse=best.seen.rmse,
        reason=reason,
        information=best.alignment.information,
        seconds=time.perf_counter() - start,
        method="auto",
        degenerate=open_directions(values, vectors, 1e-4),
    )


class Posed(Protocol):
    """Whatever stands at a pose."""

    @property
    def T(self) -> NDArray[np.float64]: ...


def verdict(
    refined: Sequence[Posed], logits: NDArray[np.float64], own: NDArray[np.float64], move: float
) -> tuple[float, float]:
    """Probability of the best candidate by all evidence, with and without its rivals.

    Where one thing and its copy are both in view, most ways lead to whichever is seen better.  So where what is seen at
    the poses prefers another one, that is what the probability goes by.

    Parameters
    ----------
    logits, own : [N] log-odds by all evidence, and without the ways that led to the pose.
    """
    probability, alone = posterior(refined, logits, move)
    best, seen_best = int(logits.argmax()), int(own.argmax())
    if not same_pose(refined[best].T, refined[seen_best].T, move):
        probability = min(probability, posterior(refined, own, move, best)[0])
    return probability, alone


def posterior(
    refined: Sequence[Posed], logits: NDArray[np.float64], move: float, which: int | None = None
) -> tuple[float, float]:
    """Probability of a candidate (None: the best), with and without its rivals.

    At most one of several distinct poses is right, so the odds of all share one unit of probability with the
    possibility that none is: a repeated texture or a bare wall makes many good-looking poses, each unlikely.
    """
    odds = np.exp(np.minimum(logits, 30.0))
    distinct: list[int] = []
    for k in np.argsort(-logits, kind="stable"):
        if not any(same_pose(refined[k].T, refined[d].T, move) for d in distinct):
            distinct.append(int(k))
    one = odds[distinct[0] if which is None else which]
    return float(one / (1 + odds[distinct].sum())), float(one / (1 + one))


def _reason(best: Candidate, probability: float, alone: float, threshold: float) -> str:
    if probability >= threshold:
        return ""
    if alone >= threshold:
        return f"ambiguous: other poses fit about as well (probability {probability:.2f}); give --init or closer views"
    seen = best.seen
    if seen.pairs < 100 or seen.overlap < 0.05:
        return f"no common surface found: at the best pose the frames share {seen.overlap:.0%}"
    if seen.worse_violation > 0.1:
        return f"at the best pose one camera would look through {seen.worse_violation:.0%} of what the other saw"
    if seen.consistent < 0.5:
        return f"at the best pose {1 - seen.consistent:.0%} of the points in view disagree"
    return f"the best pose is not convincing (overlap {seen.overlap:.0%}, probability {probability:.2f})"
