"""A picture sheet of reconstructions: input | ours | Poisson | truth, one shape a row.

python -m geo3d_recon.bench.sheet ../shared/data/mesh docs/mesh.png
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import Geo3DError
from geo3d.io.atomic import atomic_path
from geo3d.types import TriangleMesh
from geo3d_recon.bench.mesh import load_mesh, noisy_samples
from geo3d_recon.methods.poisson import poisson
from geo3d_recon.reconstruct import reconstruct
from geo3d_recon.samples import Samples

SHAPES = ("elephant", "husky_wheel", "chair_model", "vase", "teapot", "husky_top_plate")
_SIDE = 220  # pixels of a picture
_FRONT = np.array([216, 190, 150.0])
_BACK = np.array([90, 120, 190.0])  # a face seen from behind: a hole, or a surface turned inside out

Pixels = NDArray[np.uint8]


def write_sheet(shapes: Path, out: Path, points: int = 1000, noise: float = 0.005) -> None:
    """Reconstruct some held-out shapes and write the sheet as PNG.

    shapes  folder of the watertight shapes
    out     *.png
    points, noise  as in `geo3d bench mesh`
    """
    from PIL import Image

    if out.suffix.lower() != ".png":
        raise Geo3DError(f"the sheet is a PNG, got {out}")
    rows = []
    for name in SHAPES:
        truth = load_mesh(shapes / f"{name}.ply")
        samples = noisy_samples(truth, points, noise)
        view = _view(truth)
        ours = reconstruct(samples).mesh
        peer = poisson(Samples(samples, None, None, 0, np.zeros(3), 1.0))
        pictures = [_dots(samples, view), *(_shaded(m, view) for m in (ours, peer, truth))]
        rows.append(np.concatenate(pictures, axis=1))
    with atomic_path(out) as temporary:
        Image.fromarray(np.concatenate(rows)).quantize(64).save(temporary, format="PNG", optimize=True)


def _view(truth: TriangleMesh) -> NDArray[np.float64]:
    """[3, 4] rows right, down, forward | offset: from above and aside, the shape's box filling the picture."""
    forward = np.array([-0.55, 0.7, -0.45])
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    R = np.stack([right, np.cross(forward, right), forward])
    seen = truth.vertices @ R.T
    low, high = seen.min(axis=0), seen.max(axis=0)
    scale = 0.92 * _SIDE / (high - low)[:2].max()
    offset = -scale * (low + high) / 2 + [_SIDE / 2, _SIDE / 2, 2 * _SIDE]
    return np.concatenate([R * scale, offset[:, None]], axis=1)


def _dots(points: NDArray[np.float64], view: NDArray[np.float64]) -> Pixels:
    seen = points @ view[:, :3].T + view[:, 3]
    seen = seen[np.argsort(-seen[:, 2])]
    picture = np.full((_SIDE, _SIDE, 3), 255, dtype=np.uint8)
    near = (seen[:, 2] - seen[:, 2].min()) / max(float(np.ptp(seen[:, 2])), 1e-9)
    for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
        x, y = (np.clip(seen[:, i].astype(int) + d, 0, _SIDE - 1) for i, d in ((0, dx), (1, dy)))
        picture[y, x] = (30 + 160 * near)[:, None].astype(np.uint8)
    return picture


def _shaded(mesh: TriangleMesh, view: NDArray[np.float64]) -> Pixels:
    """Four rays a pixel; faces seen from behind are blue."""
    import open3d as o3d

    scene = o3d.t.geometry.RaycastingScene(nthreads=1)
    vertices = mesh.vertices @ view[:, :3].T + view[:, 3]
    scene.add_triangles(vertices.astype(np.float32), mesh.faces.astype(np.uint32))
    axis = (np.arange(2 * _SIDE) + 0.5) / 2
    x, y = np.meshgrid(axis, axis)
    rays = np.stack([x, y, 0 * x, 0 * x, 0 * x, 0 * x + 1], axis=-1).astype(np.float32)
    hit = scene.cast_rays(rays)
    normal = hit["primitive_normals"].numpy()
    light = np.abs(normal @ (np.array([-0.4, -0.6, -0.7]) / np.linalg.norm([0.4, 0.6, 0.7])))
    color = np.where(normal[..., 2:] < 0, _FRONT, _BACK) * (0.25 + 0.75 * light[..., None])
    color = np.where(np.isfinite(hit["t_hit"].numpy())[..., None], color, 255)
    return color.reshape(_SIDE, 2, _SIDE, 2, 3).mean(axis=(1, 3)).astype(np.uint8)


def _main(arguments: Sequence[str]) -> None:
    write_sheet(Path(arguments[0]), Path(arguments[1]))


if __name__ == "__main__":
    import sys

    _main(sys.argv[1:])
