"""Step one of training the completions: shapes seen in part, and their whole signed distances, as one tensor file."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geo3d.console import progress
from geo3d.errors import Geo3DError, ReconstructionError
from geo3d.io.atomic import atomic_path
from geo3d.types import TriangleMesh
from geo3d_recon.completion.grid import NEAR, SIDE, SPAN, cell_centers, distance_to
from geo3d_recon.completion.views import partial
from geo3d_recon.learned.prepare import PrepareConfig, Truth, load_shape, shapes_of
from geo3d_recon.learned.procedural import random_solid

Bytes = NDArray[np.uint8]
_OUTSIDE = 0.03  # share of a shape that may lie outside the cube


def prepare(config: PrepareConfig, out: Path) -> None:
    """Write `config.clouds` views to one safetensors file; its `queries` is not used."""
    from safetensors.numpy import save_file

    names = shapes_of(config)
    if not names:
        raise Geo3DError(f"{config.shapes} holds no *.ply to train on")
    tensors: dict[str, Bytes] = {}
    order = np.random.default_rng(config.seed).permutation(len(names))
    made, procedural = 0, 0.0 if config.validation else config.procedural
    for i in progress(range(config.clouds), "preparing"):
        rng = np.random.default_rng([config.seed, i])
        shape = random_solid(rng) if rng.random() < procedural else load_shape(names[order[i % len(names)]])
        try:
            seen, whole = make_view(shape, config, rng)
        except ReconstructionError:
            continue
        tensors[str(made)] = np.frombuffer(zlib.compress(seen.tobytes() + whole.tobytes()), np.uint8)
        made += 1
    with atomic_path(out) as temporary:
        save_file(tensors, temporary, metadata={"views": str(made)})


def read_views(path: Path) -> tuple[Bytes, Bytes]:
    """([V, SIDE, SIDE, SIDE] distances to the seen points, and of the whole shape), 0 to 255."""
    from safetensors.numpy import load_file

    flat = load_file(path)
    raw = [zlib.decompress(flat[str(i)].tobytes()) for i in range(len(flat))]
    grids = np.stack([np.frombuffer(r, np.uint8).reshape(2, SIDE, SIDE, SIDE) for r in raw])
    return grids[:, 0], grids[:, 1]


def make_view(shape: TriangleMesh, config: PrepareConfig, rng: np.random.Generator) -> tuple[Bytes, Bytes]:
    """Bytes of the distances to what is seen (255 = `FAR`) and of the whole shape (0 = `NEAR` inside, 255 outside)."""
    points = partial(shape, rng, config.points)
    if len(points) < 30:
        raise ReconstructionError("too few points are seen")
    low, high = points.min(axis=0), points.max(axis=0)
    center, size = (low + high) / 2, float((high - low).max())
    vertices = (shape.vertices - center) / size
    corners = vertices[shape.faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    outside = np.abs(corners.mean(axis=1)).max(axis=1) > SPAN / 2
    if area[outside].sum() > _OUTSIDE * area.sum():
        raise ReconstructionError("the shape is much larger than what is seen of it")
    whole = Truth(TriangleMesh(vertices, shape.faces)).distance(cell_centers()).reshape(SIDE, SIDE, SIDE)
    seen = distance_to((points - center) / size)
    return np.rint(seen * 255).astype(np.uint8), np.rint((whole / NEAR).clip(-1, 1) * 127.5 + 127.5).astype(np.uint8)
