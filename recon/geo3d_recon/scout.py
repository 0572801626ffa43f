"""A quick look at samples: is this surely an open scan, so that no closed surface need be made first?

Two cues of a few thousand samples, chosen on validation shapes, simulated one-sided views of them, and depth frames:

    edge    share of samples around which the others leave a gap of 160° in the tangent plane.  Closed shapes 0 to 6 %,
            thin legs and nets to 14 %; real depth frames 16 to 18 %
    loose   share of the area of a rough winding-number surface that is far from all samples.  Beyond 3.5 spacings:
            closed shapes under 6 %, half-seen ones to 43 %; beyond 2.2: thin legs 0 %, frames 4 % and more

They hold from 1,000 samples on (frames of 1,070 to 1,950 points: edges 18 to 28 %, loose beyond 2.2 11 to 31 %).  A
closed surface around so sparse a frame hugs it from both sides, where nothing that follows could tell: of a frame of
1,659 points 68 % were within 1 % of the frame's length.

Samples with many edges and some loose area, or with much loose area, are an open scan.  Others are decided by the
surface itself.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo3d.ops import knn
from geo3d.types import TriangleMesh
from geo3d_recon.marching import marching_tetrahedra
from geo3d_recon.openness import tangents
from geo3d_recon.orient import WNNC, thin
from geo3d_recon.planes import local_planes
from geo3d_recon.spacing import spacing
from geo3d_recon.support import CUT_REACH, OPEN_REACH, loose_share
from geo3d_recon.winding import WindingTree

Floats = NDArray[np.float64]
_FEWEST = 1000  # fewer samples do not tell a rim from a gap
_EDGE_POINTS, _NEIGHBOURS, _GAP = 3000, 16, 2.8
_LOOSE_POINTS, _GRID = 1000, 40
_MANY_EDGES, _SOME_LOOSE, _MUCH_LOOSE = 0.14, 0.03, 0.08


def surely_open(points: Floats) -> bool:
    """True for samples [N, 3] in the unit box that are beyond doubt an open scan."""
    if len(points) < _FEWEST:
        return False
    p = points[thin(points, _LOOSE_POINTS)]
    surface = _rough_surface(p)
    if not len(surface.faces):
        return False
    if loose_share(surface, p, OPEN_REACH) > _MUCH_LOOSE:
        return True
    return loose_share(surface, p, CUT_REACH) > _SOME_LOOSE and edge_share(points) > _MANY_EDGES


def edge_share(points: Floats) -> float:
    """Share of samples (3,000 are asked) whose neighbours leave a gap of more than 160° around them."""
    p = points[thin(points, _EDGE_POINTS)]
    _, axes, _ = local_planes(p, 10)
    u, v = tangents(axes)
    _, near = knn(p, p, min(_NEIGHBOURS + 1, len(p)))
    r = p[near[:, 1:]] - p[:, None]
    angle = np.sort(np.arctan2(np.einsum("nkc,nc->nk", r, v), np.einsum("nkc,nc->nk", r, u)), axis=1)
    around = np.concatenate([np.diff(angle, axis=1), angle[:, :1] + 2 * np.pi - angle[:, -1:]], axis=1)
    return float((around.max(axis=1) > _GAP).mean())


def _rough_surface(points: Floats) -> TriangleMesh:
    """Winding number one half of the samples, on a coarse grid."""
    tree, h = WindingTree.build(points, 1.6), spacing(points)
    cell = 1.3 / _GRID
    axis = (np.arange(_GRID) + 0.5) * cell - 0.65
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
    w = tree.field(WNNC(iterations=10).moments(points), grid, 0.5 * h).reshape(_GRID, _GRID, _GRID)
    value = np.pad(0.5 - w[1:-1, 1:-1, 1:-1], 1, constant_values=0.5)
    return marching_tetrahedra(value, np.full(3, axis[0]), cell)
