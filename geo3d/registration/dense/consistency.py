"""Two-way check of a pose: do both cameras' images agree with it?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo3d.registration.dense import _project as p
from geo3d.registration.dense.maps import FrameMaps, Level
from geo3d.registration.se3 import inverse


@dataclass(frozen=True)
class Consistency:
    """Shares and correlations over both directions together.

    overlap     share of the smaller frame's points that lie on the other's surface
    consistent  share of the points with known partner depth that lie on it
    violation   share of them that the other camera saw through
    occluded    share of them behind the other's surface
    rmse        of the consistent points' distances, metres
    grey        correlation of locally normalised brightness over consistent points
    tone        the same over wide windows
    magnitude   correlation of gradient magnitude
    chroma      mean correlation of the two colour opponents
                (these four of the surface's bending unless both frames have colour, see `Level.relief`)
    pairs       consistent points, both directions
    worse_consistent, worse_violation  the less favourable direction's shares
    """

    overlap: float
    consistent: float
    violation: float
    occluded: float
    rmse: float
    grey: float
    tone: float
    magnitude: float
    chroma: float
    pairs: int
    worse_consistent: float
    worse_violation: float


def _correlation(s: NDArray[np.float64]) -> float:
    n, a, b, aa, bb, ab = s
    if n < 20:
        return 0.0
    va, vb = aa / n - (a / n) ** 2, bb / n - (b / n) ** 2
    return float((ab / n - a * b / n**2) / np.sqrt(max(va * vb, 1e-12)))


def _camera(level: Level) -> tuple[float, float, float, float]:
    c = level.camera
    return (c.fx, c.fy, c.cx, c.cy)


def one_way(
    source: Level, target: Level, T_target_source: NDArray[np.float64], colored: bool, step: int = 1
) -> NDArray[np.float64]:
    """The raw sums of `project_statistics` for every step-th pixel in both axes."""
    sums = np.zeros(p.COUNT)
    p.project_statistics(
        source.depth, source.normals, *source.texture(colored),
        target.depth, target.normals, *target.texture(colored),
        _camera(source), _camera(target),
        np.ascontiguousarray(T_target_source[:3, :3]), np.ascontiguousarray(T_target_source[:3, 3]),
        step, sums, np.zeros((5, 2)),
    )  # fmt: skip
    return sums


def consistency(
    source: FrameMaps, target: FrameMaps, T_target_source: NDArray[np.float64], *, level: int = 1, step: int = 1
) -> Consistency:
    """Project each frame into the other at one pyramid level and summarise."""
    a, b = source.levels[level], target.levels[level]
    colored = source.colored and target.colored
    forth = one_way(a, b, T_target_source, colored, step)
    back = one_way(b, a, inverse(T_target_source), colored, step)
    total = forth + back
    known = max(total[p.KNOWN], 1.0)
    shares = [s[p.CONSISTENT] / max(s[p.KNOWN], 1.0) for s in (forth, back)]
    violations = [s[p.VIOLATED] / max(s[p.KNOWN], 1.0) for s in (forth, back)]
    size = max(min(len(a.points), len(b.points)) / step**2, 1.0)
    return Consistency(
        overlap=float(min(total[p.CONSISTENT] / 2 / size, 1.0)),
        consistent=float(total[p.CONSISTENT] / known),
        violation=float(total[p.VIOLATED] / known),
        occluded=float(total[p.OCCLUDED] / known),
        rmse=float(np.sqrt(total[p.DISTANCE2] / max(total[p.CONSISTENT], 1.0))),
        grey=_correlation(total[p.GREY : p.GREY + 6]),
        tone=_correlation(total[p.TONE : p.TONE + 6]),
        magnitude=_correlation(total[p.MAGNITUDE : p.MAGNITUDE + 6]),
        chroma=(_correlation(total[p.CHROMA_RG : p.CHROMA_RG + 6]) + _correlation(total[p.CHROMA_BY : p.CHROMA_BY + 6]))
        / 2,
        pairs=int(total[p.CONSISTENT]),
        worse_consistent=float(min(shares)),
        worse_violation=float(max(violations)),
    )
