"""Where a field needs features, and their first values: the mean of what the pictures show there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geo3d_recon.field.cameras import FieldCameras, rays_of
from geo3d_recon.field.model import Layer
from geo3d_recon.field.options import FieldOptions
from geo3d_recon.field.pictures import Pictures
from geo3d_recon.field.shells import SPREAD, Shells
from geo3d_recon.field.sparse_grid import SparseGrid, corners_of, unique_rows
from geo3d_recon.field.surface import Surface
from geo3d_recon.field.tables import gather, splat

COARSER = 4
_RAYS = 6_000_000
_FINE_PIXELS = 1.25
_FAR_PIXELS = 3.0
# Observations that a corner's own mean must have to count half against its coarser surroundings.
_DOUBT = 2.0
_FAR_OPACITY = -1.0

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Layers:
    """The tables of a field, and its spheres."""

    fine: Layer
    coarse: Layer
    shells: Shells
    far: Layer


@dataclass(frozen=True, eq=False)
class _Seen:
    """What a sample of all rays hits: places [N, 3] with colours and footprints (metres a pixel), and what misses."""

    places: Floats
    colors: Floats
    footprints: Floats
    far_origins: Floats
    far_directions: Floats
    far_colors: Floats


def allocate(pictures: Pictures, cameras: FieldCameras, surface: Surface, options: FieldOptions) -> Layers:
    """Grids where the pictures see something, filled with mean colours."""
    seen = _trace(pictures, cameras, surface)
    cell, cells = _fine_cells(seen, options.corners)
    wide = cell * COARSER
    # Also where the surface is and no sampled ray came by: other views may see it.
    places = np.concatenate([cells // COARSER, np.floor(surface.mesh.vertices / wide).astype(np.int64)])
    grid = SparseGrid.build(corners_of(places), np.zeros(3), wide)
    coarse = _mean_layer(grid, seen.places, seen.colors, 3 + options.latent)
    rest = seen.colors - gather(coarse.table, *coarse.grid.lookup(seen.places))[:, :3]
    fine = _mean_layer(SparseGrid.build(corners_of(cells), np.zeros(3), cell), seen.places, rest, 3, _DOUBT)
    shells = _shells(pictures, cameras)
    return Layers(fine, coarse, shells, _far_layer(shells, seen))


def _trace(pictures: Pictures, cameras: FieldCameras, surface: Surface) -> _Seen:
    stride = max(1, int(np.ceil(np.sqrt(pictures.colors[..., 0].size / _RAYS))))
    h, w = pictures.colors.shape[1:3]
    parts: list[tuple[Floats, ...]] = []
    for m, T in enumerate(cameras.T_world_color()):
        # Every picture takes other pixels, so that together they miss nothing.
        v, u = np.mgrid[m % stride : h : stride, (m // stride) % stride : w : stride].reshape(2, -1)
        o, d = rays_of(cameras.camera, T, u.astype(np.float64), v.astype(np.float64))
        colors = (pictures.colors[m, v, u] / 255 / cameras.gains[m]).astype(np.float32)
        t = surface.cast(o, d)
        hit = np.isfinite(t)
        places = (o[hit] + d[hit] * t[hit, None]).astype(np.float32)
        prints = t[hit] / np.float32(cameras.camera.fx)
        parts.append(
            (places, colors[hit], prints, o[~hit].astype(np.float32), d[~hit].astype(np.float32), colors[~hit])
        )
    return _Seen(*(np.concatenate(p) for p in zip(*parts, strict=True)))


def _fine_cells(seen: _Seen, most: int) -> tuple[float, NDArray[np.int64]]:
    """(edge, [N, 3] cells that are hit): about a pixel wide at the usual distance, wider where there were too many."""
    cell = _FINE_PIXELS * float(np.median(seen.footprints)) if len(seen.places) else 1.0
    while True:
        cells = unique_rows(np.floor(seen.places.astype(np.float64) / cell).astype(np.int64))
        if not len(cells):
            return cell, np.zeros((1, 3), np.int64)
        # A surface has about two corners for each of its cells.
        if 2 * len(cells) <= most:
            return cell, cells
        cell *= max(1.1, np.sqrt(2 * len(cells) / most))


def _mean_layer(grid: SparseGrid, places: Floats, values: Floats, width: int, doubt: float = 0.0) -> Layer:
    sums, totals = np.zeros((len(grid), values.shape[1]), np.float32), np.zeros(len(grid), np.float32)
    if len(places):
        splat(sums, totals, *grid.lookup(places), values)
    table = np.zeros((len(grid), width), np.float32)
    table[:, : values.shape[1]] = sums / np.maximum(totals + np.float32(doubt), 1e-6)[:, None]
    if not doubt and (totals > 0).any() and not (totals > 0).all():
        known = np.flatnonzero(totals > 0)
        _, nearest = cKDTree(grid.coords[known]).query(grid.coords[totals == 0])
        table[totals == 0] = table[known[nearest]]
    return Layer(grid, table)


def _shells(pictures: Pictures, cameras: FieldCameras) -> Shells:
    centers = cameras.T_world_color()[:, :3, 3]
    center = (centers.min(axis=0) + centers.max(axis=0)) / 2
    spread = float(np.linalg.norm(centers - center, axis=1).max())
    measured = pictures.depths[pictures.depths > 0]
    reach = float(np.percentile(measured, 25)) if len(measured) else 1.0
    side = int(np.sqrt(4 * np.pi) * cameras.camera.fx / _FAR_PIXELS)
    return Shells(center, max(1.2 * spread, reach), min(max(side, 64), 4096))


def _far_layer(shells: Shells, seen: _Seen) -> Layer:
    if not len(seen.far_colors):
        return Layer(SparseGrid.build(np.zeros((1, 3), np.int64), np.zeros(3), 1.0), np.zeros((1, 4), np.float32))
    places = shells.places(seen.far_origins, seen.far_directions).reshape(-1, 3)
    flat = np.floor(places).astype(np.int64)
    offsets = np.array([[0, 0, 0], [0, 1, 0], [1, 0, 0], [1, 1, 0]])
    grid = SparseGrid.build(unique_rows((unique_rows(flat)[:, None] + offsets).reshape(-1, 3)), np.zeros(3), 1.0)
    layer = _mean_layer(grid, places, np.repeat(seen.far_colors, len(SPREAD), axis=0), 4)
    layer.table[:, 3] = _FAR_OPACITY
    return layer
