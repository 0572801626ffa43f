"""What a scan leaves in its folder."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np

from geo3d.console import say, to_json
from geo3d.errors import Geo3DError
from geo3d.io import RGBDDataset, write_points, write_trajectory
from geo3d.io.atomic import atomic_path, write_text
from geo3d.memory import peak_bytes
from geo3d.scan.options import ProductOptions
from geo3d.scan.result import ScanResult
from geo3d.types import Trajectory, absolute_trajectory_error

PRODUCT_GROUP = "geo3d.scan_products"

# Takes the scan and its folder, writes its file there, and says what it wrote.
ScanProduct = Callable[[ScanResult, Path, ProductOptions], dict[str, Any]]


def find_products() -> dict[str, ScanProduct]:
    """What installed packages make of a scan, by name."""
    return {e.name: e.load() for e in sorted(entry_points(group=PRODUCT_GROUP), key=lambda e: e.name)}


def write_scan(result: ScanResult, out: Path) -> None:
    """Write poses.txt (TUM), cloud.ply and mesh.ply, each atomically."""
    write_trajectory(out / "poses.txt", result.trajectory)
    write_points(out / "cloud.ply", result.cloud)
    with atomic_path(out / "mesh.ply") as temporary:
        temporary.write_bytes(result.mesh.to_trimesh().export(file_type="ply"))


def write_products(result: ScanResult, out: Path, options: ProductOptions | None = None) -> dict[str, dict[str, Any]]:
    """Run every product; one that fails is said and reported as {"error": ...}, the others still run."""
    options = options or ProductOptions()
    made: dict[str, dict[str, Any]] = {}
    for entry in sorted(entry_points(group=PRODUCT_GROUP), key=lambda e: e.name):
        try:
            made[entry.name] = entry.load()(result, out, options)
        except (Geo3DError, ImportError, OSError) as error:
            say(f"{entry.name} was not written: {error}")
            made[entry.name] = {"error": str(error)}
    return made


def raw_bytes(dataset: RGBDDataset, result: ScanResult) -> int:
    """Bytes on disk of the posed frames' depth and colour files; a file that holds many frames counts once."""
    paths = {p for i in result.posed for p in (dataset.depth_path(i), dataset.color_path(i)) if p is not None}
    return sum(p.stat().st_size for p in paths if p.is_file())


def trajectory_error(dataset: RGBDDataset, result: ScanResult) -> float | None:
    """ATE RMSE in metres against the folder's poses, over frames that have both; None without poses."""
    both = [(k, dataset.T_world_camera[i]) for k, i in enumerate(result.posed)]
    given = [(k, T) for k, T in both if T is not None and np.isfinite(T).all()]
    if len(given) < 3:
        return None
    index = np.array([k for k, _ in given])
    times = result.trajectory.timestamps[index]
    estimate = Trajectory(times, result.trajectory.T_world_camera[index])
    return absolute_trajectory_error(estimate, Trajectory(times, np.stack([T for _, T in given])))[0]


def peak_megabytes() -> float:
    """Largest resident size of this process so far."""
    return peak_bytes() / 2**20


def summary(
    dataset: RGBDDataset, result: ScanResult, products: dict[str, dict[str, Any]], seconds: float, poses: str
) -> dict[str, Any]:
    """The numbers of the final table and of report.json."""
    total = len(result.frames)
    ate = trajectory_error(dataset, result) if poses == "estimate" else None
    container = products.get("container", {}).get("bytes")
    return {
        "frames": total,
        "posed": len(result.posed),
        "lost": sum(f.state == "lost" for f in result.frames),
        "skipped": sum(f.state == "skipped" for f in result.frames),
        "submaps": len({f.submap for f in result.frames if f.submap >= 0}),
        "poses": poses,
        "ate_rmse_m": ate,
        "points": len(result.cloud),
        "faces": len(result.mesh.faces),
        "raw_bytes": raw_bytes(dataset, result),
        "g3c_bytes": container,
        "seconds": seconds,
        "frames_per_second": total / max(seconds, 1e-9),
        "peak_mb": peak_megabytes(),
    }


def write_report(result: ScanResult, numbers: dict[str, Any], products: dict[str, dict[str, Any]], out: Path) -> None:
    """Write report.json: the numbers, seconds a stage, products, and every frame that was not used."""
    bad = [{"name": f.name, "state": f.state, "reason": f.reason} for f in result.frames if f.state != "posed"]
    report = {
        **numbers,
        "source": str(result.dataset.resolve()),
        "stages": dict(result.seconds),
        "up": result.up,
        "products": products,
        "unused_frames": bad,
    }
    write_text(out / "report.json", to_json(report, indent=1) + "\n")
