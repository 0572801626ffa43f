"""Coarse-to-fine alignment of one frame to others: projective point-to-plane plus photometric Gauss-Newton.

Association by projection: Blais & Levine 1995.  Joint geometric and photometric cost: Steinbrücker et al. 2011,
Whelan et al. 2015 (ElasticFusion, section 3.2).  Left SE(3) perturbation (omega, v) in the target's frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo3d.registration.dense._normal_equations import normal_equations
from geo3d.registration.dense.maps import FrameMaps
from geo3d.registration.se3 import adjoint, exp_se3, inverse, log_se3

# Weight of one photometric residual (locally normalised grey) against one geometric residual in sigmas.
PHOTO_WEIGHT = 4.0
# Per level, finest first: iterations, and the distance in metres beyond which pairs are dropped.
ITERATIONS = (4, 6, 10)
GATES = (0.03, 0.08, 0.20)


@dataclass(frozen=True, eq=False)
class Alignment:
    """Where the iteration ended.

    T_target_source  [4, 4]
    information      [6, 6] robust Gauss-Newton Hessian (omega, v) in the target's frame, geometry and photometry
    geometric        [6, 6] its geometric part
    matched          share of the source points that fall on known target surface and found a partner there
    in_view          share of the source points that fall into the target's image
    rmse             robust root mean square point-to-plane distance, metres
    photo_rmse       root mean square photometric residual (locally normalised grey); NaN without colour
    """

    T_target_source: NDArray[np.float64]
    information: NDArray[np.float64]
    geometric: NDArray[np.float64]
    matched: float
    in_view: float
    rmse: float
    photo_rmse: float


def align(
    source: FrameMaps,
    targets: Sequence[tuple[FrameMaps, NDArray[np.float64]]],
    T_ref_source: NDArray[np.float64],
    *,
    levels: Sequence[int] = (2, 1, 0),
    photo_weight: float = PHOTO_WEIGHT,
    prior: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
    stride: int = 1,
) -> Alignment:
    """Align a frame to one or several frames at once.

    Parameters
    ----------
    source : the frame to move.
    targets : (maps, T_target_ref) each; a single target has T_target_ref = identity, then ref is the target.
    T_ref_source : [4, 4] start.
    levels : pyramid levels in order of use, 0 = finest.
    prior : a pose [4, 4] T_ref_source (a motion model, matches) and the information [6, 6] in the ref frame that holds
        the result there; None: none.
    stride : use every stride-th source point on level 0.
    """
    T = T_ref_source.copy()
    damping = 1e-6
    system = None
    for level in levels:
        iterations, gate = ITERATIONS[min(level, 2)], GATES[min(level, 2)]
        for _ in range(iterations):
            system = _system(source, targets, T, level, gate, photo_weight, stride if level == 0 else 1)
            H, _, b, _ = system
            if prior is not None:
                error = log_se3(T @ inverse(prior[0]))
                H, b = H + prior[1], b + prior[1] @ error
            xi = -np.linalg.solve(H + np.eye(6) * (damping * max(np.trace(H), 1.0) + 1e-9), b)
            size = np.abs(xi).max()
            if size > 0.3:
                xi *= 0.3 / size
            T = exp_se3(xi) @ T
            if size < (2e-4 if level else 5e-5):
                break
    if system is None:
        raise ValueError("levels must name at least one pyramid level")
    H, G, _, stats = system
    total = len(source.levels[level].points[:: stride if level == 0 else 1]) * len(targets)
    return Alignment(
        T,
        H,
        G,
        float(stats[0] / max(stats[5], 1)),
        float(stats[2] / max(total, 1)),
        float(np.sqrt(stats[1] / max(stats[0], 1))),
        float(np.sqrt(stats[4] / stats[3])) if stats[3] else float("nan"),
    )


def _system(
    source: FrameMaps,
    targets: Sequence[tuple[FrameMaps, NDArray[np.float64]]],
    T_ref_source: NDArray[np.float64],
    level: int,
    gate: float,
    photo_weight: float,
    stride: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Sum the targets' normal equations in the reference frame."""
    H, G, b, stats = np.zeros((6, 6)), np.zeros((6, 6)), np.zeros(6), np.zeros(6)
    points = source.levels[level].points
    for maps, T_target_ref in targets:
        at = maps.levels[level]
        T = T_target_ref @ T_ref_source
        photo = photo_weight if source.colored and maps.colored else 0.0
        camera = at.camera
        part = normal_equations(
            points,
            np.ascontiguousarray(T[:3, :3]),
            np.ascontiguousarray(T[:3, 3]),
            at.depth,
            at.normals,
            at.grey,
            at.gradient,
            camera.fx,
            camera.fy,
            camera.cx,
            camera.cy,
            gate,
            photo,
            stride,
        )
        A = adjoint(T_target_ref)
        H += A.T @ part[0] @ A
        G += A.T @ part[1] @ A
        b += A.T @ part[2]
        stats += part[3]
    return H, G, b, stats
