"""`geo3d bench mesh`: sparse noisy points of unseen shapes, our methods beside Poisson, ball pivoting and alpha."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from geo3d.bench import Suite
from geo3d.bench.suite import Row
from geo3d.errors import Geo3DError
from geo3d.types import TriangleMesh
from geo3d_recon.bench.held_out import BENCHMARK
from geo3d_recon.bench.metrics import sample_surface, score_mesh
from geo3d_recon.methods.poisson import poisson
from geo3d_recon.reconstruct import METHODS, reconstruct
from geo3d_recon.samples import Samples
from geo3d_recon.spacing import spacing

CASES: tuple[tuple[int, float], ...] = ((300, 0.005), (1000, 0.005), (3000, 0.005), (3000, 0.0))  # points, noise
PEERS = ("peer poisson", "peer ball pivoting", "peer alpha")


def rows(data: Path | None) -> Iterator[Row]:
    """Measure every method on every case and shape."""
    return resumed(data, {})


def resumed(data: Path | None, kept: Mapping[str, Row]) -> Iterator[Row]:
    """The rows, those of an earlier run taken by their key."""
    folder = None if data is None else data / "mesh"
    if folder is None or not folder.is_dir():
        raise Geo3DError("the mesh suite needs watertight shapes: give --data a folder that holds mesh/*.ply")
    for points, noise in CASES:
        for name in BENCHMARK:
            keys = {method: f"{points}/{noise:g}/{name}/{method}" for method in _methods()}
            if all(key in kept for key in keys.values()):
                yield from (kept[key] for key in keys.values())
                continue
            truth = load_mesh(folder / f"{name}.ply")
            samples = noisy_samples(truth, points, noise)
            for method, run in _methods().items():
                key = keys[method]
                if key in kept:
                    yield kept[key]
                else:
                    yield {"key": key, **_row(method, name, points, noise, samples, truth, run)}


def noisy_samples(truth: TriangleMesh, count: int, noise: float, seed: int = 0) -> np.ndarray:
    """[count, 3] uniform samples of the surface with isotropic Gaussian noise of `noise` × longest side."""
    p, _ = sample_surface(truth, count, seed)
    return p + np.random.default_rng(seed).normal(size=p.shape) * noise * np.ptp(truth.vertices, axis=0).max()


def load_mesh(path: Path) -> TriangleMesh:
    """Read one shape."""
    import trimesh

    return TriangleMesh.from_trimesh(trimesh.load(path, process=False))


def _methods() -> dict[str, Callable[[np.ndarray], TriangleMesh]]:
    """Ours through the public function; the peers as a user would call Open3D."""
    ours = {
        name: lambda p, name=name: reconstruct(p, method=name).mesh for name in METHODS if name in ("learned", "wnnc")
    }
    return {**ours, "peer poisson": _peer_poisson, "peer ball pivoting": _peer_ball, "peer alpha": _peer_alpha}


def _peer_poisson(points: np.ndarray) -> TriangleMesh:
    return poisson(Samples(points, None, None, 0, np.zeros(3), 1.0))


def _peer_ball(points: np.ndarray) -> TriangleMesh:
    import open3d as o3d

    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(points))
    cloud.estimate_normals(o3d.geometry.KDTreeSearchParamKNN(16))
    cloud.orient_normals_consistent_tangent_plane(16)
    radii = o3d.utility.DoubleVector([spacing(points) * r for r in (1.0, 1.5, 2.5)])
    return TriangleMesh.from_open3d(o3d.geometry.TriangleMesh.create_from_point_cloud_ball_pivoting(cloud, radii))


def _peer_alpha(points: np.ndarray) -> TriangleMesh:
    import open3d as o3d

    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(points))
    mesh = o3d.geometry.TriangleMesh.create_from_point_cloud_alpha_shape(cloud, 2.0 * spacing(points))
    return TriangleMesh.from_open3d(mesh)


def _row(
    method: str,
    name: str,
    points: int,
    noise: float,
    samples: np.ndarray,
    truth: TriangleMesh,
    run: Callable[[np.ndarray], TriangleMesh],
) -> Row:
    row: Row = {"method": method, "case": f"{points} points, noise {noise:g}", "shape": name}
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        mesh = run(samples)
    except (Geo3DError, RuntimeError) as error:
        return {**row, "error": str(error)}
    row |= {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu, "faces": len(mesh.faces)}
    if not len(mesh.faces):
        return {**row, "error": "empty mesh"}
    score = asdict(score_mesh(mesh, truth))
    return row | {k: float(v) if isinstance(v, (int, np.floating)) else v for k, v in score.items()}


def summary(rows: list[Row]) -> list[Row]:
    """Means a method and case; a failed shape counts as Chamfer 50 and F 0.

    "best peer shape by shape" takes, for each shape, the peer with the least Chamfer distance.
    """
    result = []
    for case in dict.fromkeys(r["case"] for r in rows):
        here = [r for r in rows if r["case"] == case]
        for method in dict.fromkeys(r["method"] for r in here):
            result.append({"method": method, "case": case, **_mean([r for r in here if r["method"] == method])})
        peers = [r for r in here if r["method"] in PEERS]
        best = [
            min((r for r in peers if r["shape"] == s), key=lambda r: r.get("chamfer_x100", 50.0))
            for s in dict.fromkeys(r["shape"] for r in peers)
        ]
        result.append({"method": "best peer shape by shape", "case": case, **_mean(best)})
    return result


def _mean(rows: list[Row]) -> dict[str, Any]:
    failed = {
        "chamfer_x100": 50.0,
        "f_score": 0.0,
        "normal_consistency": 0.0,
        "watertight": 0.0,
        "self_intersections": 0.0,
    }
    columns = ("chamfer_x100", "f_score", "normal_consistency", "watertight", "self_intersections", "components")
    result: dict[str, Any] = {"shape": f"mean of {len(rows)}"}
    for c in (*columns, "cpu_seconds", "seconds"):
        values = [float(r[c]) if c in r else failed.get(c, np.nan) for r in rows]
        result[c] = float(np.nanmean(values)) if values else float("nan")
    result["watertight_%"] = 100 * result.pop("watertight")
    result["self_intersecting_%"] = 100 * result.pop("self_intersections")
    return result


SUITE: Suite = {
    "description": "meshes from 300 to 3,000 points without normals, beside Poisson, ball pivoting, alpha shape",
    "columns": [
        "method",
        "case",
        "shape",
        "chamfer_x100",
        "f_score",
        "normal_consistency",
        "watertight_%",
        "self_intersecting_%",
        "components",
        "cpu_seconds",
        "seconds",
    ],
    "rows": rows,
    "resumed": resumed,
    "summary": summary,
}
