"""Points to several whole meshes."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from geo3d.errors import Geo3DError, ReconstructionError
from geo3d_recon.close import close
from geo3d_recon.colors import carry_colors
from geo3d_recon.completion.imagine import imagine, unseen_points
from geo3d_recon.completion.weights import BUNDLED
from geo3d_recon.methods.learned import learned
from geo3d_recon.result import ReconstructionResult
from geo3d_recon.samples import Samples
from geo3d_recon.simplify import enough_faces, simplify
from geo3d_recon.support import confidence, drop_small_parts

_MOST_SEEN = 3000  # denser points are averaged: what is imagined must be as dense


def complete(
    points: Any, samples: int = 4, *, seed: int = 0, faces: int | None = None, weights: Path = BUNDLED
) -> list[ReconstructionResult]:
    """Several closed meshes that all pass through the points and differ where there are none.

    points   as `reconstruct` takes them; of more than 3,000, neighbours are averaged
    samples  how many, 1 to 64
    seed     another seed gives other shapes; the same one the same, and mesh k whatever `samples` is
    faces    reduce each mesh to about this many; by default to what so many points can tell
    weights  of the prior, as `geo3d train` exports them

    Raises `ReconstructionError` when no surface can be made.
    """
    if not 1 <= samples <= 64:
        raise Geo3DError(f"samples must be 1 to 64, got {samples}")
    if seed < 0:
        raise Geo3DError(f"the seed must not be negative, got {seed}")
    start = time.perf_counter()
    full = Samples.of(points)
    seen = full.averaged(_MOST_SEEN)
    results = []
    for k, field in enumerate(imagine(seen.points, samples, seed, weights)):
        added = unseen_points(field, seen.points, int(np.random.default_rng([seed, k, 1]).integers(1 << 31)))
        both = replace(seen, points=np.concatenate([seen.points, added]), colors=None, normals=None)
        mesh = drop_small_parts(learned(both))
        if not mesh.is_watertight:
            mesh = drop_small_parts(close(mesh))
        if not len(mesh.faces):
            raise ReconstructionError(f"no surface near the {len(seen.points)} points was found; leave --samples away")
        mesh = simplify(mesh, enough_faces(len(both.points)) if faces is None else faces)
        mesh = replace(mesh, attributes={"confidence": confidence(mesh.vertices, seen.points)})
        mesh = carry_colors(mesh, full.points, full.colors)
        seconds, start = time.perf_counter() - start, time.perf_counter()
        results.append(
            ReconstructionResult(
                full.to_input(mesh), "completion", mesh.is_watertight, False, full.dropped, len(full.points), seconds
            )
        )
    return results
