"""`geo3d bench field`: pictures of held-out frames by the radiance field and by the coloured TSDF mesh, in one run.

Every 8th posed frame is held out of fusion, calibration and training.  Both are rendered at the folder's own poses;
`psnr_covered` counts only pixels that the mesh covers, where it has no holes to answer for.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.bench.suite import Row, Suite
from geo3d.io import open_rgbd
from geo3d.ops import undistort
from geo3d.scan.fusion import fuse
from geo3d.scan.options import ScanOptions
from geo3d.types import RGBDFrame, TriangleMesh
from geo3d_recon.field.cameras import rays_of
from geo3d_recon.field.coding import read_field, write_field
from geo3d_recon.field.model import RadianceField
from geo3d_recon.field.options import FieldOptions
from geo3d_recon.field.scan import reconstruct_field

FOLDERS = (("reg/box_desk", None), ("reg/redkitchen_kinect", 160))
SAMPLES = Path(__file__).resolve().parents[3] / "samples"
EVERY = 8
METHODS = ("geo3d field", "geo3d field, coded", "coloured TSDF mesh")


def rows(data: Path | None) -> Iterator[Row]:
    """One row a method and folder, after five minutes of training."""
    folders = [(data / f, n) for f, n in FOLDERS if (data / f).is_dir()] if data is not None else []
    for folder, first in folders or [(SAMPLES / "box_desk", None)]:
        yield from compare(folder, FieldOptions(), first)


def compare(folder: Path, options: FieldOptions, first: int | None = None) -> Iterator[Row]:
    """The methods on the first frames of a folder that have poses."""
    dataset = open_rgbd(folder)
    posed = [i for i, T in enumerate(dataset.T_world_camera) if T is not None][:first]
    held, kept = posed[::EVERY], [i for k, i in enumerate(posed) if k % EVERY]
    wall, cpu = time.perf_counter(), time.process_time()
    field = reconstruct_field(folder, options, frames=kept)
    spent = {"seconds": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    with tempfile.TemporaryDirectory() as place:
        size = write_field(Path(place) / "field.g3c", field)
        coded = read_field(Path(place) / "field.g3c")
    poses = {i: T for i in kept if (T := dataset.T_world_camera[i]) is not None}
    mesh = fuse(dataset, poses, ScanOptions()).mesh
    frames = [undistort(dataset.load(i)) for i in held]
    by_mesh = [mesh_picture(mesh, frame) for frame in frames]
    masks = [mask for _, mask in by_mesh]
    pictures = {
        METHODS[0]: [field_picture(field, frame) for frame in frames],
        METHODS[1]: [field_picture(coded, frame) for frame in frames],
        METHODS[2]: [picture for picture, _ in by_mesh],
    }
    more: dict[str, dict[str, Any]] = {
        METHODS[0]: {**spent, "bytes": size.float16},
        METHODS[1]: {"bytes": size.bytes, "of_float16": size.bytes / size.float16},
    }
    for method, seen in pictures.items():
        yield {"folder": folder.name, "method": method, "held_out": len(held),
               **_quality(seen, frames, masks), **more.get(method, {})}  # fmt: skip


def field_picture(field: RadianceField, frame: RGBDFrame) -> NDArray[np.floating]:
    """[H, W, 3] what the field shows from a frame's pose, at the exposure of its neighbours in time."""
    assert frame.T_world_camera is not None
    T, gain = field.cameras.at(frame.T_world_camera, frame.timestamp)
    return field.render(field.cameras.camera, T, gain, supersample=2)[0]


def mesh_picture(mesh: TriangleMesh, frame: RGBDFrame) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    """([H, W, 3] a mesh's vertex colours seen from a frame's pose, black beside it; [H, W] where it is)."""
    import open3d as o3d

    assert frame.color is not None
    assert frame.T_world_camera is not None
    assert mesh.vertex_colors is not None
    h, w = frame.color.shape[:2]
    v, u = np.mgrid[0:h, 0:w].reshape(2, -1).astype(np.float64)
    o, d = rays_of(frame.camera.resized(w, h), frame.T_world_camera, u, v)
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(
        o3d.core.Tensor(mesh.vertices.astype(np.float32)), o3d.core.Tensor(mesh.faces.astype(np.uint32))
    )
    answer = scene.cast_rays(o3d.core.Tensor(np.concatenate([o, d], axis=1).astype(np.float32)))
    hit = np.isfinite(answer["t_hit"].numpy())
    at = answer["primitive_uvs"].numpy()[hit]
    weights = np.column_stack([1 - at.sum(axis=1), at])
    colors = np.zeros((len(hit), 3))
    corners = mesh.vertex_colors[mesh.faces[answer["primitive_ids"].numpy()[hit]]] / 255
    colors[hit] = (corners * weights[..., None]).sum(axis=1)
    return colors.reshape(h, w, 3), hit.reshape(h, w)


def _quality(
    pictures: list[NDArray[np.floating]], frames: list[RGBDFrame], masks: list[NDArray[np.bool_]]
) -> dict[str, float]:
    whole, covered = [], []
    for picture, frame, mask in zip(pictures, frames, masks, strict=True):
        assert frame.color is not None
        error = (picture - frame.color / 255) ** 2
        whole.append(-10 * np.log10(error.mean()))
        covered.append(-10 * np.log10(error[mask].mean()) if mask.any() else np.nan)
    return {"psnr": float(np.mean(whole)), "psnr_covered": float(np.nanmean(covered))}


def summary(measured: list[Row]) -> list[Row]:
    """What the field has over the mesh, and what coding costs, a folder."""
    result = []
    for name in dict.fromkeys(r["folder"] for r in measured):
        field, coded, mesh = (next(r for r in measured if r["folder"] == name and r["method"] == m) for m in METHODS)
        for what, a, b in (("field - mesh", field, mesh), ("coded - field", coded, field)):
            result.append({"folder": name, "method": what, **{k: a[k] - b[k] for k in ("psnr", "psnr_covered")}})
    return result


SUITE: Suite = {
    "description": "radiance fields of scans: held-out pictures beside the coloured TSDF mesh, and the coded file",
    "columns": ["folder", "method", "held_out", "psnr", "psnr_covered", "bytes", "of_float16", "seconds", "cpu_s"],
    "rows": rows,
    "summary": summary,
}
