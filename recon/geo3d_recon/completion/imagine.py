"""Coarse whole shapes drawn from the prior, and the part of their surface that no point vouches for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import ReconstructionError
from geo3d.ops import knn
from geo3d_recon.bench.metrics import sample_surface
from geo3d_recon.completion.grid import CELL, NEAR, SIDE, SPAN, cell_centers, distance_to, from_patches, to_patches
from geo3d_recon.completion.weights import BUNDLED, load_completion_net
from geo3d_recon.marching import marching_tetrahedra
from geo3d_recon.spacing import spacing_at

if TYPE_CHECKING:
    from torch import Tensor

    from geo3d_recon.nn.completion_net import CompletionNet

Floats = NDArray[np.float64]
_STEPS = 24  # of Euler's method along the flow
_GUIDED = 0.2  # time from which the flow is bent onto the points
_BEND = 2.0 * CELL  # how far around a point the imagined surface is drawn onto it
_REACH = 2.0  # spacings around each point within which nothing is added


class _Bend:
    """Moves fields so that they vanish at the points and change smoothly around them."""

    def __init__(self, points: Floats) -> None:
        from scipy.spatial import cKDTree

        centers = cell_centers()
        distance, near = cKDTree(points).query(centers, k=min(8, len(points)), distance_upper_bound=3 * _BEND)
        self._cells = np.flatnonzero(np.isfinite(distance[:, 0]))
        distance, self._near = distance[self._cells], near[self._cells]
        weight = np.exp(-((np.minimum(distance, 9) / _BEND) ** 2))
        fade = np.exp(-((distance[:, :1] / _BEND) ** 2) / 2)
        self._weight = fade * weight / weight.sum(axis=1, keepdims=True)
        self._at = ((points + SPAN / 2) / CELL - 0.5).T

    def __call__(self, field: Floats) -> Floats:
        from scipy.ndimage import map_coordinates

        value = np.append(map_coordinates(field, self._at, order=1, mode="nearest"), 0.0)
        bent = field.reshape(-1).copy()
        bent[self._cells] -= (self._weight * value[self._near]).sum(axis=1)
        return bent.reshape(field.shape)


def imagine(points: Floats, samples: int, seed: int, weights: Path = BUNDLED) -> Floats:
    """[K, SIDE, SIDE, SIDE] signed distances, negative inside, of whole shapes that points in the unit box may show.

    Where the flow is heading is bent onto the points at every step, so that the rest of the shape can follow (guidance
    by projection, after Song et al. 2023, "Pseudoinverse-guided diffusion models").  Sample k depends on the seed and
    k alone, not on how many are drawn.  Values are cut off at `NEAR`.
    """
    import torch

    net = load_completion_net(weights)
    seen = torch.from_numpy(to_patches(distance_to(points)).astype(np.float32))[None]
    bend = _Bend(points)
    return np.stack([_flow(net, seen, bend, np.random.default_rng([seed, k])) for k in range(samples)]) * NEAR


def _flow(net: CompletionNet, seen: Tensor, bend: _Bend, rng: np.random.Generator) -> Floats:
    """Euler's method from noise to one field [SIDE, SIDE, SIDE], over its cut-off."""
    import torch

    noise = rng.normal(size=(1, net.config.tokens, net.config.latent))
    x = torch.from_numpy(noise.astype(np.float32))
    field = np.zeros((SIDE, SIDE, SIDE))
    with torch.inference_mode():
        for t in np.arange(_STEPS) / _STEPS:
            goal = x + net(x, torch.full((1,), float(t)), seen) * (1 - t)
            field = bend(from_patches(net.decode(goal)[0].numpy().astype(np.float64)).clip(-1, 1))
            if t >= _GUIDED:
                goal = net.encode(torch.from_numpy(to_patches(field).astype(np.float32)))[None]
            x = x + (goal - x) / ((1 - t) * _STEPS)
    return field.clip(-1, 1)


def unseen_points(field: Floats, points: Floats, seed: int) -> Floats:
    """[M, 3] points on the field's surface, as dense as the given ones, where there are none of those.

    field   [SIDE, SIDE, SIDE] signed distances about the origin
    points  [N, 3] in the unit box
    """
    padded = np.pad(field, 1, constant_values=NEAR)
    mesh = marching_tetrahedra(padded, np.full(3, -0.5 * CELL - SPAN / 2), CELL)
    if not len(mesh.faces):
        raise ReconstructionError("no whole shape was found for these points; leave --samples away")
    local = spacing_at(points)
    h = float(np.median(local))
    corners = mesh.vertices[mesh.faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1).sum() / 2
    drawn, _ = sample_surface(mesh, max(16, int(area / h**2)), seed)
    distance, nearest = knn(points, drawn, 1)
    return np.asarray(drawn[distance[:, 0] > _REACH * local.clip(h, 3 * h)[nearest[:, 0]]])
