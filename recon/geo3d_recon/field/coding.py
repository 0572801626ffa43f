"""A field as integers in a bundle, and back.

Tables are rounded to steps that follow from how well the field fits its pictures: rounding adds noise, and noise well
below the error that is there anyway costs almost nothing.

field.json      cells, spheres, steps, camera
shade.npy       [P] float16 weights of the network
poses, corrections, gains, times .npy: what `FieldCameras` holds
surface.ply     corners with `distance`; fine.ply, coarse.ply, far.ply: corners with `features`
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.bundle import Bundle, read_bundle, write_bundle
from geo3d.console import to_json
from geo3d.errors import BitstreamError, Geo3DError
from geo3d.types import PinholeCamera, PointCloud
from geo3d.types.checks import as_transform
from geo3d_recon.field.cameras import FieldCameras
from geo3d_recon.field.model import Layer, RadianceField
from geo3d_recon.field.names import FIELD_FILE, FIELD_VERSION
from geo3d_recon.field.shells import Shells
from geo3d_recon.field.sparse_grid import SparseGrid
from geo3d_recon.field.surface import STEPS, Surface

# Steps of the colours as parts of the field's error; of latent features and opacities as parts of their spread.
_COLOR_STEP = 1.0
_OTHER_STEP = 0.3
_LEAST_STEP = 1 / 512
_MOST_HIDDEN = 256


@dataclass(frozen=True)
class FieldSize:
    """Bytes of the file, and of the same numbers as a float16 checkpoint (tables and network, without any grid)."""

    bytes: int
    float16: int


def write_field(path: Path, field: RadianceField) -> FieldSize:
    """Write a field as a `.g3c` file."""
    tables = (field.fine.table, field.coarse.table, field.far.table)
    weights = sum(p.numel() for p in field.shade.parameters())
    float16 = 2 * (sum(t.size for t in tables) + weights)
    return FieldSize(write_bundle(path, to_bundle(field)), float16)


def read_field(path: Path) -> RadianceField:
    """Read what `write_field` wrote.  Raises `BitstreamError` when it is damaged or no field."""
    return from_bundle(read_bundle(path), str(path))


def to_bundle(field: RadianceField) -> Bundle:
    """Round a field to integers."""
    color = max(_COLOR_STEP * field.error, _LEAST_STEP)
    steps = {
        "fine": np.full(3, color),
        "coarse": np.concatenate([np.full(3, color / 2), _spread_steps(field.coarse.table[:, 3:])]),
        "far": np.append(np.full(3, color), _spread_steps(field.far.table[:, 3:])),
    }
    layers = {"fine": field.fine, "coarse": field.coarse, "far": field.far}
    clouds = {f"{k}.ply": _cloud(layer, steps[k]) for k, layer in layers.items()}
    surface = field.surface
    clouds["surface.ply"] = PointCloud(surface.coords, attributes={"distance": surface.distances})
    c = field.cameras.camera
    about = {
        "version": FIELD_VERSION,
        "surface_cell": surface.cell,
        "cells": {k: layer.grid.cell for k, layer in layers.items()},
        "steps": {k: s.tolist() for k, s in steps.items()},
        "shells": {"center": field.shells.center.tolist(), "radius": field.shells.radius, "side": field.shells.side},
        "hidden": field.shade.layers[0].out_features,
        "camera": {"width": c.width, "height": c.height, "fx": c.fx, "fy": c.fy, "cx": c.cx, "cy": c.cy},
        "error": field.error,
    }
    arrays: dict[str, NDArray[Any]] = {
        "shade.npy": np.concatenate([p.detach().numpy().ravel() for p in field.shade.parameters()]).astype(np.float16),
        "poses.npy": field.cameras.T_world_camera,
        "corrections.npy": field.cameras.T_color_camera,
        "gains.npy": field.cameras.gains,
        "times.npy": field.cameras.times,
    }
    return Bundle(clouds, arrays, {FIELD_FILE: to_json(about).encode()})


def from_bundle(bundle: Bundle, name: str) -> RadianceField:
    """The field that a bundle holds; `name` is for error messages."""
    if FIELD_FILE not in bundle.files:
        raise Geo3DError(
            f"{name} is no radiance field: it has no {FIELD_FILE} (make one with reconstruct --method field)"
        )
    try:
        about = json.loads(bundle.files[FIELD_FILE])
        if about["version"] != FIELD_VERSION:
            raise BitstreamError(f"{name} has field version {about['version']}; this program reads {FIELD_VERSION}")
        return _field(bundle, about)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        if isinstance(error, Geo3DError):
            raise
        raise BitstreamError(f"{name} is a damaged radiance field: {error!r}") from error


def _field(bundle: Bundle, about: dict[str, Any]) -> RadianceField:
    fine, coarse, far = (
        _layer(bundle.clouds[f"{k}.ply"], np.array(about["steps"][k], np.float64), float(about["cells"][k]))
        for k in ("fine", "coarse", "far")
    )
    if fine.table.shape[1] != 3 or coarse.table.shape[1] < 3 or far.table.shape[1] != 4:
        raise ValueError("tables have the wrong widths")
    cloud = bundle.clouds["surface.ply"]
    distances = np.asarray(cloud.attributes["distance"])
    if distances.shape != (len(cloud),) or np.abs(distances.astype(np.int64)).max() > STEPS:
        raise ValueError("distances out of range")
    surface = Surface(_coords(cloud), distances.astype(np.int8), _positive(about["surface_cell"]))
    place = about["shells"]
    center = np.array(place["center"], np.float64).reshape(3)
    side = int(place["side"])
    if not (np.isfinite(center).all() and 0 < side < 1 << 20):
        raise ValueError("spheres out of range")
    shells = Shells(center, _positive(place["radius"]), side)
    camera = PinholeCamera(**about["camera"])
    shade = _shade(bundle.arrays["shade.npy"], coarse.table.shape[1] - 3, int(about["hidden"]))
    return RadianceField(
        surface, fine, coarse, shells, far, shade, _cameras(bundle.arrays, camera), _positive(about["error"])
    )


def _cloud(layer: Layer, steps: NDArray[np.float64]) -> PointCloud:
    values = np.rint(layer.table / steps).astype(np.int32)
    # Green, and what red and blue are beyond it: three channels that have less in common.
    values[:, 0] -= values[:, 1]
    values[:, 2] -= values[:, 1]
    values[:, [0, 1]] = values[:, [1, 0]]
    return PointCloud(layer.grid.coords, attributes={"features": values})


def _layer(cloud: PointCloud, steps: NDArray[np.float64], cell: float) -> Layer:
    values = np.array(cloud.attributes["features"], np.int64)
    if values.shape != (len(cloud), len(steps)) or not (np.isfinite(steps).all() and (steps > 0).all()):
        raise ValueError("a table and its steps do not fit together")
    values[:, [0, 1]] = values[:, [1, 0]]
    values[:, 0] += values[:, 1]
    values[:, 2] += values[:, 1]
    grid = SparseGrid.build(_coords(cloud), np.zeros(3), _positive(cell))
    return Layer(grid, (values * steps).astype(np.float32))


def _coords(cloud: PointCloud) -> NDArray[np.int32]:
    points = np.asarray(cloud.points)
    if points.dtype.kind not in "iu" or np.abs(points.astype(np.int64)).max() >= 1 << 30:
        raise ValueError("corners are not integers")
    return points.astype(np.int32)


def _spread_steps(values: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.maximum(_OTHER_STEP * values.std(axis=0, dtype=np.float64), 1e-6)


def _positive(value: Any) -> float:
    value = float(value)
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"a length is {value}")
    return value


def _shade(weights: NDArray[Any], latent: int, hidden: int) -> Any:
    import torch

    from geo3d_recon.field.nn.shade import Shade

    if not 0 < hidden <= _MOST_HIDDEN or latent > _MOST_HIDDEN:
        raise ValueError(f"a network of {latent} and {hidden} features")
    with torch.random.fork_rng(devices=[]):
        shade = Shade(latent, hidden)
    flat = torch.from_numpy(np.asarray(weights, np.float32))
    if flat.numel() != sum(p.numel() for p in shade.parameters()) or not bool(torch.isfinite(flat).all()):
        raise ValueError("the network's weights are not what its widths need")
    torch.nn.utils.vector_to_parameters(flat, shade.parameters())
    return shade


def _cameras(arrays: Any, camera: PinholeCamera) -> FieldCameras:
    poses, corrections = (
        np.stack([as_transform(T, name) for T in arrays[name]]) for name in ("poses.npy", "corrections.npy")
    )
    gains, times = np.array(arrays["gains.npy"], np.float64), np.array(arrays["times.npy"], np.float64)
    if not (len(poses) == len(corrections) == len(gains) == len(times)) or gains.shape[1:] != (3,):
        raise ValueError("cameras do not fit together")
    if not ((gains > 0).all() and np.isfinite(gains).all() and np.isfinite(times).all()):
        raise ValueError("exposures or times out of range")
    return FieldCameras(camera, poses, corrections, gains, times)
