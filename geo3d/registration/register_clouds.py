"""Registration of two point clouds.

clouds ─▶ prepare_pair ─▶ hypotheses ─▶ best_distinct ─▶ ICP ─▶ agreement ─▶ judge ─▶ result or refusal
          one scale       features,     overlap both              both ways
                          groups        ways
"""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import Geo3DError
from geo3d.registration.agreement import Agreement, agreement
from geo3d.registration.classical import CLASSICAL
from geo3d.registration.cloud_hypotheses import best_distinct, cloud_hypotheses, near
from geo3d.registration.degenerate import open_directions
from geo3d.registration.judge_clouds import judge
from geo3d.registration.prepare import CloudPair, extent, finite_cloud, prepare_pair, unit_note
from geo3d.registration.refine_clouds import refine_clouds
from geo3d.registration.result import RegistrationResult
from geo3d.types import PointCloud

KEEP = 10
SEARCH_POINTS = 3000


def register_clouds(
    source: PointCloud,
    target: PointCloud,
    *,
    method: str = "auto",
    init: NDArray[np.float64] | None = None,
    seed: int = 0,
) -> RegistrationResult:
    """Find T_target_source of two clouds in any pose, or refuse.

    Parameters
    ----------
    method : "auto" (hypotheses from features, and from `init` where given), or a name of `CLASSICAL`.
    init : [4, 4] guess; "auto" tries it beside its own.
    seed : of everything random.

    Raises `RegistrationError` if a cloud cannot be registered to anything (too few points, no extent).
    """
    if method != "auto" and method not in CLASSICAL:
        raise Geo3DError(f"unknown registration method '{method}' (known: auto, {', '.join(CLASSICAL)})")
    start = time.perf_counter()
    clash = _unit_clash(source, target)
    if clash:
        return refused(clash, time.perf_counter() - start, method)
    pair = prepare_pair(source, target)
    if method == "auto":
        T, rival = _search(pair, init, seed)
    else:
        T, rival = CLASSICAL[method](pair, init, seed), 0.0
    seen = agreement(pair, T)
    probability, reason = judge(pair, seen, rival)
    return RegistrationResult(
        T_target_source=pair.uncentered(T),
        converged=not reason,
        probability=probability,
        fitness=seen.overlap,
        rmse=seen.rmse,
        reason=reason,
        information=_information(pair, seen),
        seconds=time.perf_counter() - start,
        method=method,
        degenerate=open_directions(seen.eigenvalues, seen.eigenvectors),
        notes=pair.notes,
    )


def _search(pair: CloudPair, init: NDArray[np.float64] | None, seed: int) -> tuple[NDArray[np.float64], float]:
    """Best pose between the centred clouds, and its best distinct rival's score as a share of its own."""
    own = pair.centered(np.eye(4) if init is None else init)
    poses = np.concatenate([cloud_hypotheses(pair, seed), own[None]])
    poses, _ = best_distinct(pair, poses, KEEP)
    refined = [refine_clouds(pair, T, (3.0, 1.5), SEARCH_POINTS) for T in poses]
    scores = np.array([_score(agreement(pair, T)) for T in refined])
    best = int(scores.argmax())
    rivals = [s for T, s in zip(refined, scores, strict=True) if not near(T, refined[best], 4 * pair.voxel)]
    T = refine_clouds(pair, refined[best], (1.0,))
    return T, float(max(rivals, default=0.0) / max(scores[best], 1e-9))


def _score(seen: Agreement) -> float:
    return float(np.sqrt(seen.source * seen.target) * seen.facing * (1 + 0.3 * max(seen.color, 0)))


def _information(pair: CloudPair, seen: Agreement) -> NDArray[np.float64]:
    """Information in the target's own frame, for residuals of the measured size."""
    sigma = max(seen.rmse if np.isfinite(seen.rmse) else pair.voxel, 1e-3 * pair.voxel)
    c = pair.target.center
    # Moving the origin by c: omega stays, v gains -c x omega, hence H' = A^T H A with A of that shift.
    A = np.eye(6)
    A[3:, :3] = np.array([[0, -c[2], c[1]], [c[2], 0, -c[0]], [-c[1], c[0], 0]]).T
    return A.T @ seen.information @ A / sigma**2


def _unit_clash(source: PointCloud, target: PointCloud) -> str:
    a, b = finite_cloud(source, "source")[0], finite_cloud(target, "target")[0]
    return unit_note(extent(a.points), extent(b.points))


def refused(reason: str, seconds: float, method: str) -> RegistrationResult:
    """A refusal before any pose was looked for."""
    return RegistrationResult(
        np.eye(4), False, 0.0, 0.0, float("nan"), reason, np.zeros((6, 6)), seconds, method, notes=(reason,)
    )
