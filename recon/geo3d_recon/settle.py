"""Noise that hides which way a smooth surface faces, taken out before anything else is asked of the samples.

Where the noise is a good part of the spacing, winding-number normals of neighbours disagree although there is but one
surface.  Moving each sample onto the plane of its neighbours mends that, but it would flatten curved surfaces that are
sampled sparsely and merge the two sides of thin shells.  What tells them apart is how far neighbours' normals agree
before and after the move:

                                    before      after
    one sheet, noisy                middling    nearly all    <- samples are moved here
    one sheet, clean or sparse      most        hardly more
    thin shells, edges, tubes       little      (any)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo3d.ops import knn
from geo3d_recon.orient import WNNC
from geo3d_recon.planes import local_planes

Floats = NDArray[np.float64]
_PLANE = 10  # neighbours of the plane fit
_NEAR, _AROUND = 9, 40  # neighbours whose normals are compared, and over which agreement is averaged (self included)
# Fewer samples stand so far apart that the plane of ten of them costs more curvature than noise.
_FEWEST = 2000
# Agreement before, after, and gained, at which samples begin to move and at which they move all the way.
_BEFORE, _AFTER, _GAIN = (0.69, 0.75), (0.88, 0.94), (0.07, 0.12)


def settle(points: Floats, moments: Floats) -> tuple[Floats, Floats]:
    """Samples with noise taken out where it hides the surface, and their winding-number moments.

    The inputs come back where there is nothing to take out, or fewer than 2,000 samples.

    points [N, 3]; moments [N, 3]: their area-weighted winding-number normals.
    """
    if len(points) < _FEWEST:
        return points, moments
    center, axis, _ = local_planes(points, _PLANE)
    moved = points - ((points - center) * axis).sum(axis=1, keepdims=True) * axis
    before = _agreement(points, moments)
    part = _ramp(before, _BEFORE)
    if not part.any():
        return points, moments
    after = _agreement(moved, WNNC().moments(moved))
    part *= _ramp(after, _AFTER) * _ramp(after - before, _GAIN)
    if not part.any():
        return points, moments
    settled = points + part[:, None] * (moved - points)
    return settled, WNNC().moments(settled)


def _agreement(points: Floats, moments: Floats) -> Floats:
    """[N] share of neighbours on whose normals a sample's own has a positive part, averaged over its surroundings."""
    _, near = knn(points, points, min(_AROUND, len(points)))
    agree = np.einsum("nc,nkc->nk", moments, moments[near[:, 1:_NEAR]]) > 0
    return np.asarray(agree.mean(axis=1)[near].mean(axis=1))


def _ramp(value: Floats, ends: tuple[float, float]) -> Floats:
    return np.asarray(((value - ends[0]) / (ends[1] - ends[0])).clip(0, 1))
