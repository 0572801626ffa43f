"""Surrounded holes of a scan's mesh, filled along the learned surface of what is around each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import Geo3DError, ReconstructionError
from geo3d.types import TriangleMesh
from geo3d_recon.fill.holes import Hole, find_holes
from geo3d_recon.fill.patch import links_of, ring_patch
from geo3d_recon.methods.learned import learned
from geo3d_recon.orient import thin
from geo3d_recon.samples import Samples

Floats = NDArray[np.float64]
_LARGEST = 0.1  # radius of a hole over the longest side of the mesh, unless said otherwise
_AROUND = 2.2  # radii about a hole's centre within which the surface is taken as samples
_SAMPLES = 700
_FOLDED = 0.05  # share of a patch's area that may face the wrong way
_LEARNED = 30  # vertices of a loop from which a patch follows the learned surface; smaller ones are all but flat
_SMOOTHING = 20


@dataclass(frozen=True, eq=False)
class FilledMesh:
    """mesh: with its holes filled, new vertices last and of attribute `confidence` 0; how many loops there were,
    how many were surrounded and small enough, how many could be filled; area of the new faces, in squared units.
    """

    mesh: TriangleMesh
    loops: int
    surrounded: int
    filled: int
    area: float


def fill_holes(mesh: TriangleMesh, *, largest: float = _LARGEST) -> FilledMesh:
    """Fill the holes that are surrounded by surface; rims of the scan stay, and so does every given vertex and face.

    largest  radius of the largest hole that is filled, over the longest side of the mesh

    Holes over whose patch the surface would fold are left open.
    """
    if not 0 < largest <= 1:
        raise Geo3DError(f"largest must be over 0 and at most 1, got {largest}")
    if not len(mesh.faces):
        raise Geo3DError("the mesh has no faces")
    size = float(np.ptp(mesh.vertices, axis=0).max())
    loops = find_holes(mesh)
    wanted = [h for h in loops if h.surrounded and h.radius <= largest * size]
    normals = _vertex_normals(mesh)
    vertices, faces, colors, area, filled = [mesh.vertices], [mesh.faces.astype(np.int64)], [], 0.0, 0
    total = len(mesh.vertices)
    for hole in wanted:
        new, triangles = ring_patch(mesh.vertices[hole.vertices], hole.center)
        if len(hole.vertices) >= _LEARNED:
            new = _along_surface(mesh, normals, hole, new, triangles)
        corners = np.concatenate([mesh.vertices[hole.vertices], new])[triangles]
        cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        patch = np.linalg.norm(cross, axis=1)
        if patch[cross @ hole.normal < 0].sum() > _FOLDED * patch.sum():
            continue
        index = np.concatenate([hole.vertices, total + np.arange(len(new))])
        vertices.append(new)
        faces.append(index[triangles])
        if mesh.vertex_colors is not None:
            colors.append(_blended(mesh.vertices[hole.vertices], mesh.vertex_colors[hole.vertices], new))
        total, area, filled = total + len(new), area + float(patch.sum()) / 2, filled + 1
    all_colors = None if mesh.vertex_colors is None else np.concatenate([mesh.vertex_colors, *colors])
    known = mesh.attributes.get("confidence", np.ones(len(mesh.vertices), np.float32))
    sure = np.concatenate([known, np.zeros(total - len(known), np.float32)])
    whole = TriangleMesh(
        np.concatenate(vertices), np.concatenate(faces).astype(np.int32), all_colors, attributes={"confidence": sure}
    )
    return FilledMesh(whole, len(loops), len(wanted), filled, area)


def _along_surface(
    mesh: TriangleMesh, normals: Floats, hole: Hole, new: Floats, triangles: NDArray[np.int64]
) -> Floats:
    """The patch's vertices moved along the hole's normal onto the learned surface, smoothed, rim fixed.

    Where that surface is not met within half a radius, the patch stays as smooth as its neighbours make it.
    """
    import open3d as o3d

    near = np.flatnonzero(np.linalg.norm(mesh.vertices - hole.center, axis=1) < _AROUND * hole.radius)
    around = mesh.vertices[near]
    chosen = near[thin(around, _SAMPLES)] if len(near) > _SAMPLES else near
    offset = np.full(len(new), np.nan)
    try:
        box = Samples.of(mesh.vertices[chosen])
        surface = learned(Samples(box.points, None, normals[chosen][: len(box.points)], 0, box.center, box.scale))
    except ReconstructionError:
        surface = None
    if surface is not None and len(surface.faces) and len(box.points) == len(chosen):
        scene = o3d.t.geometry.RaycastingScene(nthreads=1)
        scene.add_triangles(surface.vertices.astype(np.float32), surface.faces.astype(np.uint32))
        start = (new - box.center) / box.scale
        best = np.full(len(new), np.inf)
        for sign in (1.0, -1.0):
            rays = np.concatenate([start, np.broadcast_to(sign * hole.normal, start.shape)], axis=1)
            hit = scene.cast_rays(rays.astype(np.float32))
            length = hit["t_hit"].numpy().astype(np.float64) * box.scale
            faces_out = hit["primitive_normals"].numpy() @ hole.normal > 0
            closer = faces_out & (length < best) & (length < hole.radius / 2)
            best = np.where(closer, length, best)
            offset = np.where(closer, sign * length, offset)
    return new + _smoothed(offset, len(hole.vertices), triangles)[:, None] * hole.normal


def _smoothed(offset: Floats, rim: int, triangles: NDArray[np.int64]) -> Floats:
    """Offsets with gaps filled and jumps evened out: means of neighbours, the rim at 0."""
    n = rim + len(offset)
    links = links_of(triangles, n)
    degree = np.maximum(np.asarray(links.sum(axis=1)).reshape(-1), 1)
    known = np.concatenate([np.ones(rim, bool), np.isfinite(offset)])
    value = np.concatenate([np.zeros(rim), np.nan_to_num(offset)])
    for _ in range(200 if not known.all() else 0):
        value = np.where(known, value, (links @ value) / degree)
    fixed = np.arange(n) < rim
    for _ in range(_SMOOTHING):
        value = np.where(fixed, 0.0, 0.5 * value + 0.5 * (links @ value) / degree)
    return value[rim:]


def _blended(rim: Floats, colors: NDArray[np.uint8], new: Floats) -> NDArray[np.uint8]:
    """Colours of the loop, by inverse squared distance."""
    weight = 1 / (((new[:, None] - rim[None]) ** 2).sum(axis=2) + 1e-12)
    return np.rint(weight @ colors / weight.sum(axis=1, keepdims=True)).astype(np.uint8)


def _vertex_normals(mesh: TriangleMesh) -> Floats:
    """[V, 3] unit, of the faces around, weighted by area; up where there are none."""
    a, b, c = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
    cross = np.cross(b - a, c - a)
    total = np.stack(
        [np.bincount(mesh.faces.T.reshape(-1), np.tile(k, 3), minlength=len(mesh.vertices)) for k in cross.T], axis=-1
    )
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.where(length > 0, total / np.maximum(length, 1e-300), [0.0, 0.0, 1.0])
