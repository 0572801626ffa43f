"""Points to a mesh: the one function."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from geo3d.errors import Geo3DError, ReconstructionError
from geo3d.types import TriangleMesh
from geo3d_recon.close import close
from geo3d_recon.colors import carry_colors
from geo3d_recon.cover import cover_missed
from geo3d_recon.learned.weights import load_net
from geo3d_recon.methods import METHODS, Method
from geo3d_recon.result import ReconstructionResult
from geo3d_recon.samples import Samples
from geo3d_recon.scout import surely_open
from geo3d_recon.simplify import enough_faces, simplify, simplify_closed
from geo3d_recon.support import (
    confidence,
    cut_unsupported,
    drop_small_parts,
    looks_open,
    share_met,
    supported_vertices,
)

Watertight = Literal["auto", "yes", "no"]
DEFAULT_METHOD: Method = "learned"
# Beyond it the samples are dense enough for Poisson on winding-number normals, which is quicker there.
MOST_LEARNED = 30_000
# Beyond it neighbouring points are averaged: noise falls, and a million points take a minute.
MOST_POINTS = 300_000
# Methods that presume an inside, and the share of the samples that their surface must meet to be believed: less of a
# closed one, where stray points and thin parts are missed, than of one that was cut back to the samples.
_CLOSED: tuple[Method, ...] = ("learned", "wnnc")
_MET_CLOSED, _MET_OPEN = 0.85, 0.98
_SPECK = 1e-4  # smaller parts of a sheet, by the area of the largest, are noise; rooms hold many small things


@dataclass(frozen=True)
class _Finished:
    mesh: TriangleMesh
    open_scan: bool


def reconstruct(
    points: Any,
    *,
    method: Method = DEFAULT_METHOD,
    watertight: Watertight = "auto",
    faces: int | None = None,
) -> ReconstructionResult:
    """Make a triangle mesh of points, with or without normals, in any unit and at any offset.

    points      [N, 3] array or tensor, `PointCloud`, or Open3D cloud; 20 distinct points at least.  Points with NaN
                are dropped and counted; normals and colours are used where the cloud has them; of more than
                300,000, neighbours are averaged
    method      one of `geo3d_recon.methods.METHODS`; `learned` hands clouds of over 30,000 points to `wnnc`, and the
                result says so; where `auto` finds that a method which presumes an inside missed much of the
                samples, it takes `sheet` instead, and the result says so
    watertight  yes: always closed, bridging what was not seen; no: as the method left it, with surface that no sample
                vouches for cut away; auto: closed, unless so much of it is unsupported that the scan must be open
    faces       reduce the mesh to about this many; by default a closed learned surface is reduced to what so many
                samples can tell, where that is quickly done

    Raises `ReconstructionError` when no surface can be made.  The result is a function of the arguments alone.
    """
    if method not in METHODS:
        raise Geo3DError(f"unknown method '{method}' (known: {', '.join(METHODS)})")
    if watertight not in get_args(Watertight):
        raise Geo3DError(f"watertight must be auto, yes or no, got '{watertight}'")
    if faces is not None and faces < 4:
        raise Geo3DError(f"a mesh needs at least 4 faces, got faces={faces}")
    _start_up(method)
    start = time.perf_counter()
    full = Samples.of(points)
    samples = full.averaged(MOST_POINTS)
    if method == "learned" and len(samples.points) > MOST_LEARNED:
        method = "wnnc"
    finished, method = _surface(samples, method, watertight)
    mesh = finished.mesh
    if faces is not None:
        mesh = simplify(mesh, faces)
    elif method == "learned" and not finished.open_scan:
        mesh = simplify_closed(mesh, enough_faces(len(samples.points)))
    mesh = replace(mesh, attributes={"confidence": confidence(mesh.vertices, samples.points)})
    mesh = carry_colors(mesh, full.points, full.colors)
    return ReconstructionResult(
        samples.to_input(mesh),
        method,
        mesh.is_watertight,
        finished.open_scan,
        samples.dropped,
        len(full.points),
        time.perf_counter() - start,
    )


def _start_up(method: Method) -> None:
    """Import what the method needs, so that `seconds` is the work itself."""
    import open3d  # noqa: F401
    import scipy.ndimage
    import scipy.sparse.csgraph
    import scipy.spatial  # noqa: F401
    import trimesh  # noqa: F401

    import geo3d_recon.winding_kernel  # noqa: F401

    if method == "learned":
        load_net()


def _surface(samples: Samples, method: Method, watertight: Watertight) -> tuple[_Finished, Method]:
    """The surface, and the method that made it in the end."""
    choose = watertight == "auto" and method in _CLOSED
    if choose and samples.normals is None and surely_open(samples.points):
        finished = _sheet(samples)
        if share_met(finished.mesh, samples.points) >= _MET_OPEN:
            return finished, "sheet"
    finished = _finish(METHODS[method](samples), samples, watertight)
    least = _MET_OPEN if finished.open_scan else _MET_CLOSED
    if choose and share_met(finished.mesh, samples.points) < least:
        return _sheet(samples), "sheet"
    return finished, method


def _sheet(samples: Samples) -> _Finished:
    return _Finished(cover_missed(drop_small_parts(METHODS["sheet"](samples), _SPECK), samples.points), True)


def _finish(mesh: TriangleMesh, samples: Samples, watertight: Watertight) -> _Finished:
    """Close the surface, or cut it back to what the samples vouch for."""
    mesh = drop_small_parts(mesh)
    open_scan = watertight == "no" or (watertight == "auto" and looks_open(mesh, samples.points))
    if open_scan:
        mesh = drop_small_parts(cut_unsupported(mesh, supported_vertices(mesh, samples.points)))
    elif not mesh.is_watertight:
        mesh = drop_small_parts(close(mesh))
    if not len(mesh.faces):
        raise ReconstructionError(f"no surface near the {len(samples.points)} points was found; try another --method")
    return _Finished(mesh, open_scan)
