"""Where a cloud was taken from: a single view has a place from which all of it is seen and nothing is missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geo3d.registration.views import _visibility

# Points that places are judged by: first, and in the end.
SAMPLES = (1000, 3000)
# Shells around the middle of the cloud that are looked at, in its extents, and how many places on each.
SHELLS = ((0.3, 60), (0.45, 120), (0.65, 160), (0.9, 120))
# So many of the best places, so far apart in extents, are improved by so many steps; and then the best of them.
REFINED, EVEN_STARTS, EVEN_PLACES, APART, STEPS = 6, 2, 80, 0.12, 60
FINAL, FINAL_STEPS = 2, 70
# Holes open as soon as the eye moves; hiding is blurred by the points' distance from each other.  Where the points'
# evenness tells the place, holes are what the sensor did not measure rather than what it could not see.
HOLES, HOLES_EVEN = 4.0, 1.0
# Pictures are rectangles, but for what has no depth at their borders.
UNFILLED = 0.2
# Tangent of half the diagonal of depth cameras' pictures (structured light .65, time of flight up to 1.2): what else
# is left open by a cloud without edges, and how much an e-fold counts, also beside the evenness.
DIAGONAL, SPREAD, DIAGONAL_WEIGHT, DIAGONAL_EVEN = 0.75, 0.35, 0.02, 0.005
# A camera's points lie evenly in its picture: weight of the mean log deviation, patches it is taken from, points in
# each, and the least deviation of densities in space that tells that a cloud was not thinned on a grid.
EVEN_WEIGHT, PATCHES, PATCH_POINTS, UNTHINNED = 1.5, 160, 60, 0.35


@dataclass(frozen=True, eq=False)
class Viewpoint:
    """eye [3] in the cloud's frame; doubt: what is hidden from there and what is missing, 0 for a perfect view."""

    eye: NDArray[np.float64]
    doubt: float


def find_viewpoint(points: NDArray[np.float64]) -> Viewpoint:
    """The likeliest place of the camera, to some per cent of the distance.

    Parameters
    ----------
    points : [N, 3] finite, in no particular order or density; the coordinates' origin is one of the places tried.
    """
    some = _sample(points, SAMPLES[0])
    low, high = np.percentile(some, [2, 98], axis=0)
    size, middle = float(np.linalg.norm(high - low)), np.median(some, axis=0)
    evenness = _Evenness(points)
    cost = _Cost(some, evenness)
    places = np.concatenate([np.zeros((1, 3)), *(middle + size * r * _directions(n) for r, n in SHELLS)])
    likely: list[NDArray[np.float64]] = []
    if evenness.known:
        # Evenness is quick to tell, and what it finds unlikely the rest need not look at.
        uneven = [evenness(p) for p in places]
        likely = _best_apart(places, uneven, EVEN_STARTS, APART * size)
        places = places[np.argsort(uneven, kind="stable")[:EVEN_PLACES]]
    first = _best_apart(places, [cost(p) for p in places], REFINED, APART * size) + likely
    better = sorted((_descended(cost, p, 0.1 * size, STEPS) for p in first), key=lambda found: found[0])
    cost = _Cost(_sample(points, SAMPLES[1]), evenness)
    best = min((_descended(cost, p, 0.02 * size, FINAL_STEPS) for _, p in better[:FINAL]), key=lambda f: f[0])[1]
    hidden, holes, _, _ = cost.conflicts(best)
    return Viewpoint(best, hidden + cost.holes * holes)


class _Cost:
    """What speaks against a place, judged by some points."""

    def __init__(self, points: NDArray[np.float64], evenness: _Evenness) -> None:
        self._points, self._evenness = points, evenness
        self._spacing = None if evenness.known else cKDTree(points).query(points, k=5)[0][:, -1]
        self.holes, self._wide = (HOLES_EVEN, DIAGONAL_EVEN) if evenness.known else (HOLES, DIAGONAL_WEIGHT)

    def conflicts(self, eye: NDArray[np.float64]) -> tuple[float, float, float, float]:
        """See `_visibility.conflicts`."""
        return _visibility.conflicts(self._points, self._spacing, eye, look_at(self._points, eye))

    def __call__(self, eye: NDArray[np.float64]) -> float:
        hidden, holes, unfilled, diagonal = self.conflicts(eye)
        wide = np.log(max(diagonal, 1e-3) / DIAGONAL) / SPREAD
        seen = hidden + self.holes * holes + UNFILLED * unfilled + self._wide * wide**2
        return float(seen + self._evenness(eye))


class _Evenness:
    """How evenly a cloud's points lie in the picture of a camera at some place; nothing of one thinned on a grid.

    A patch with covariance S at the distance d along the direction u fills a solid angle of about
    sqrt(u^T adj(S) u) / d^2, whatever its slant, and noise of the depth cancels.
    """

    def __init__(self, points: NDArray[np.float64]) -> None:
        some = points[:: max(1, len(points) // 40_000)].astype(np.float64)
        tree = cKDTree(some)
        at = some[np.linspace(0, len(some) - 1, PATCHES).astype(np.int64)]
        radius = float(np.median(tree.query(at, k=min(PATCH_POINTS, len(some)))[0][:, -1]))
        patches = [some[ball] for ball in tree.query_ball_point(at, radius) if len(ball) >= PATCH_POINTS // 4]
        counts = np.array([len(p) for p in patches], np.float64)
        self.known = len(patches) >= PATCHES // 4 and float(np.log(counts).std()) > UNTHINNED
        if not self.known:
            return
        self._center = np.stack([p.mean(axis=0) for p in patches])
        S = np.stack([np.cov(p.T) for p in patches])
        S += 1e-9 * np.trace(S, axis1=1, axis2=2)[:, None, None] * np.eye(3)
        self._adjugate = np.linalg.det(S)[:, None, None] * np.linalg.inv(S)
        self._log_count = np.log(counts)

    def __call__(self, eye: NDArray[np.float64]) -> float:
        if not self.known:
            return 0.0
        ray = self._center - eye
        squared = np.maximum((ray * ray).sum(axis=1), 1e-12)
        area = np.einsum("ni,nij,nj->n", ray, self._adjugate, ray) / squared
        # A flat picture is finer at its borders: a pixel there is the smaller by the cube of the cosine.
        axis = (ray / np.sqrt(squared)[:, None]).sum(axis=0)
        cosine = ray @ axis / np.maximum(np.sqrt(squared) * np.linalg.norm(axis), 1e-12)
        share = 0.5 * np.log(np.maximum(area, 1e-30)) - np.log(squared) - self._log_count
        share -= 3 * np.log(np.maximum(cosine, 0.2))
        return EVEN_WEIGHT * float(np.minimum(np.abs(share - np.median(share)), 1.0).mean())


def look_at(points: NDArray[np.float64], eye: NDArray[np.float64]) -> NDArray[np.float64]:
    """[3, 3] rows x, y, z of a camera at `eye` [3] that looks into the mean direction of the points; any roll."""
    ray = points - eye
    axis = (ray / np.maximum(np.linalg.norm(ray, axis=1, keepdims=True), 1e-12)).sum(axis=0)
    axis /= max(float(np.linalg.norm(axis)), 1e-12)
    side = np.eye(3)[int(np.abs(axis).argmin())]
    side = side - axis * (axis @ side)
    side /= max(float(np.linalg.norm(side)), 1e-12)
    return np.stack([side, np.cross(axis, side), axis])


def _best_apart(places: NDArray[np.float64], costs: list[float], count: int, apart: float) -> list[NDArray[np.float64]]:
    """The cheapest places, none within `apart` of a cheaper one."""
    chosen: list[NDArray[np.float64]] = []
    for k in np.argsort(costs, kind="stable"):
        if len(chosen) < count and all(np.linalg.norm(places[k] - c) > apart for c in chosen):
            chosen.append(places[k])
    return chosen


def _descended(cost: _Cost, start: NDArray[np.float64], reach: float, steps: int) -> tuple[float, NDArray[np.float64]]:
    from scipy.optimize import minimize

    simplex = start + reach * np.concatenate([np.zeros((1, 3)), np.eye(3)])
    options = {"initial_simplex": simplex, "maxfev": steps, "xatol": 0.02 * reach, "fatol": 1e-4}
    found = minimize(cost, start, method="Nelder-Mead", options=options)
    return float(found.fun), np.asarray(found.x, np.float64)


def _sample(points: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    n = len(points)
    pick = np.arange(n) if n <= count else np.sort(np.random.default_rng(n).choice(n, count, replace=False))
    return np.ascontiguousarray(points[pick], np.float64)


def _directions(n: int) -> NDArray[np.float64]:
    """[n, 3] unit vectors spread evenly (Fibonacci's spiral)."""
    k = np.arange(n) + 0.5
    polar, turn = np.arccos(1 - 2 * k / n), np.pi * (1 + np.sqrt(5)) * k
    return np.stack([np.cos(turn) * np.sin(polar), np.sin(turn) * np.sin(polar), np.cos(polar)], axis=1)
