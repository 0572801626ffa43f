"""The one call that registers whatever it is given."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.ops import depth_to_cloud
from geo3d.registration.frames.describe import feature_voxel
from geo3d.registration.frames.register_frames import register_descriptions
from geo3d.registration.frames.shelf import Shelf
from geo3d.registration.prepare import unit_note
from geo3d.registration.register_clouds import refused, register_clouds
from geo3d.registration.result import RegistrationResult
from geo3d.types import PointCloud, RGBDFrame, as_points, as_transform


def register(
    source: Any,
    target: Any,
    *,
    method: str = "auto",
    init: NDArray[np.float64] | None = None,
    seed: int = 0,
    shelf: Shelf | None = None,
) -> RegistrationResult:
    """Find T_target_source, or refuse (`converged` False, with the reason).

    Two RGB-D frames are verified through both cameras; everything else is registered as clouds.

    Parameters
    ----------
    source, target : `RGBDFrame`, `PointCloud`, or anything `geo3d.types.as_points` takes.
    method : "auto", or a classical method: ransac, fgr, icp, colored-icp, kiss-matcher, gicp.
    init : [4, 4] T_target_source to start from; "auto" tries it beside its own ideas.
    seed : of everything random; the same seed gives the same result on any number of threads.
    shelf : keeps what is worked out for frames that come again; the result is the same without.

    Raises `RegistrationError` if an input cannot be registered to anything (too few points, no depth).

    Examples
    --------
    >>> result = register(read_points("a.ply"), read_points("b.ply"))  # doctest: +SKIP
    >>> if result.converged:  # doctest: +SKIP
    ...     merged = a.transformed(result.T_target_source)
    """
    T_init = None if init is None else as_transform(init, "init")
    if method == "auto" and isinstance(source, RGBDFrame) and isinstance(target, RGBDFrame):
        return register_frames(source, target, init=T_init, shelf=shelf)
    return register_clouds(as_cloud(source), as_cloud(target), method=method, init=T_init, seed=seed)


def register_frames(
    source: RGBDFrame, target: RGBDFrame, *, init: NDArray[np.float64] | None = None, shelf: Shelf | None = None
) -> RegistrationResult:
    """Find T_target_source of two RGB-D frames by pooled hypotheses and two-way verification, or refuse.

    Parameters
    ----------
    shelf : keeps what is worked out for frames that come again; the result is the same without.
    """
    start = time.perf_counter()
    shelf = shelf or Shelf()
    clash = unit_note(*(feature_voxel(shelf.maps(f)) for f in (source, target)))
    if clash:
        return refused(clash, time.perf_counter() - start, "auto")
    a, b = shelf.pair(source, target)
    return replace(register_descriptions(a, b, init=init), seconds=time.perf_counter() - start)


def as_cloud(x: Any) -> PointCloud:
    """A cloud of a frame (camera coordinates), cloud or array."""
    if isinstance(x, PointCloud):
        return x
    if isinstance(x, RGBDFrame):
        return depth_to_cloud(x, stride=2)
    return PointCloud(as_points(x, finite=False))
