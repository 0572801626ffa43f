"""Registration of two point clouds.

clouds ─▶ single views? ─▶ registered through their cameras ─▶ result, or, refused there or none:
       ─▶ prepare_pair ─▶ search_clouds ─▶ judge ─▶ result or refusal; where cameras refused single views for certain,
          one scale       poses, evidence   learned  a result only if both searches end in the same pose
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import Geo3DError
from geo3d.registration.agreement import Agreement, agreement
from geo3d.registration.classical import CLASSICAL
from geo3d.registration.cloud_search import evidence_at, search_clouds
from geo3d.registration.degenerate import open_directions
from geo3d.registration.judge_clouds import SOME, agreed, judge
from geo3d.registration.prepare import CloudPair, extent, finite_cloud, prepare_pair, unit_note
from geo3d.registration.refine_clouds import refine_clouds
from geo3d.registration.result import RegistrationResult
from geo3d.registration.views.register_views import register_views
from geo3d.types import PointCloud

# Fewer points than this are no picture.
LEAST_VIEW = 1500


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
    (source, notes_s), (target, notes_t) = finite_cloud(source, "source"), finite_cloud(target, "target")
    notes = notes_s + notes_t
    sizes = extent(source.points), extent(target.points)
    clash = unit_note(*sizes)
    if clash:
        return refused(clash, time.perf_counter() - start, method)
    refusal, certain = None, False
    if method == "auto" and min(sizes) > 0 and min(len(source), len(target)) >= LEAST_VIEW:
        through_cameras = register_views(source, target, init=init)
        if through_cameras is not None:
            refusal, certain = through_cameras
            # What cameras exclude no other search could bring back.
            if refusal.converged or (certain and refusal.probability < SOME):
                return replace(refusal, notes=notes, seconds=time.perf_counter() - start)
    pair = prepare_pair(source, target)
    if method == "auto":
        found = search_clouds(pair, [pair.centered(np.eye(4) if init is None else init)], seed)
        best, probability, reason = judge(pair, found.refined, found.evidence)
        T = refine_clouds(pair, found.refined[best].T, (1.0,))
        if refusal is not None:
            both = agreed(pair, T, probability, pair.centered(refusal.T_target_source), refusal.probability)
            if both:
                probability, reason = both, ""
            elif certain:
                return replace(refusal, notes=notes, seconds=time.perf_counter() - start)
        seen = agreement(pair, T)
    else:
        T = CLASSICAL[method](pair, init, seed)
        only, evidence = evidence_at(pair, T)
        _, probability, reason = judge(pair, [only], evidence[None])
        seen = only.seen
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
        notes=notes,
    )


def _information(pair: CloudPair, seen: Agreement) -> NDArray[np.float64]:
    """Information in the target's own frame, for residuals of the measured size."""
    sigma = max(seen.rmse if np.isfinite(seen.rmse) else pair.voxel, 1e-3 * pair.voxel)
    c = pair.target.center
    # Moving the origin by c: omega stays, v gains -c x omega, hence H' = A^T H A with A of that shift.
    A = np.eye(6)
    A[3:, :3] = np.array([[0, -c[2], c[1]], [c[2], 0, -c[0]], [-c[1], c[0], 0]]).T
    return A.T @ seen.information @ A / sigma**2


def refused(reason: str, seconds: float, method: str) -> RegistrationResult:
    """A refusal before any pose was looked for."""
    return RegistrationResult(
        np.eye(4), False, 0.0, 0.0, float("nan"), reason, np.zeros((6, 6)), seconds, method, notes=(reason,)
    )
