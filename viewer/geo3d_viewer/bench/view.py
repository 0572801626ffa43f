"""`geo3d bench view`: a picture file of a cloud or mesh, each in a process of its own, start-up included."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from geo3d.bench.process import run_measured
from geo3d.bench.suite import Row, Suite
from geo3d.io import write_points
from geo3d.types import PointCloud

_REPEATS = 3

# Open3D as its users would write it: read, add, look at the whole, save.
_OPEN3D = """
import sys, open3d as o3d
from open3d.visualization import rendering
path, out = sys.argv[1:]
renderer = rendering.OffscreenRenderer(960, 720)
material = rendering.MaterialRecord()
material.shader, material.point_size = "defaultUnlit", 3
cloud = o3d.io.read_point_cloud(path)
renderer.scene.add_geometry("a", cloud, material)
box = cloud.get_axis_aligned_bounding_box()
renderer.setup_camera(40, box.get_center(), box.get_center() + [0, -1.5 * max(box.get_extent()), 0], [0, 0, 1])
o3d.io.write_image(out, renderer.render_to_image())
"""
_METHODS: dict[str, Callable[[Path, Path], list[str]]] = {
    "geo3d view": lambda path, out: [sys.executable, "-m", "geo3d.cli", "view", str(path), "--snapshot", str(out)],
    "Open3D OffscreenRenderer": lambda path, out: [sys.executable, "-c", _OPEN3D, str(path), str(out)],
}


def ball(points: int) -> PointCloud:
    """A coloured, wavy ball, the same for the same size."""
    p = np.random.default_rng(0).normal(size=(points, 3))
    p /= np.linalg.norm(p, axis=1, keepdims=True)
    p *= 1 + 0.15 * np.sin(5 * p[:, :1]) * np.cos(4 * p[:, 1:2])
    return PointCloud(p.astype(np.float32), np.rint(np.abs(p).clip(0, 1) * 255).astype(np.uint8))


def rows(data: Path | None) -> Iterator[Row]:
    """Clouds of 30,000 to 3 million points; the data folder is not needed."""
    with tempfile.TemporaryDirectory() as folder:
        for points in (30_000, 300_000, 3_000_000):
            path = Path(folder) / f"ball-{points}.ply"
            write_points(path, ball(points))
            for method, command in _METHODS.items():
                yield {
                    "case": f"{points:,} points",
                    "method": method,
                    **measured(command(path, Path(folder) / "p.png")),
                }


def measured(command: list[str], repeats: int = _REPEATS) -> Row:
    """The best of some runs: wall and CPU seconds and the largest memory; `error` where it failed."""
    best: Row = {}
    for _ in range(repeats):
        run = run_measured(command, quiet=True)
        if run.code:
            return {"error": f"exit code {run.code}"}
        row = {"seconds": run.seconds, "cpu_seconds": run.cpu_seconds, "peak_mb": run.peak / 2**20}
        if not best or row["cpu_seconds"] < best["cpu_seconds"]:
            best = row
    return best


def summary(found: list[Row]) -> list[Row]:
    """How many times the peer's CPU time ours is, by case."""
    result = []
    for case in dict.fromkeys(r["case"] for r in found):
        ours, *peers = [r for r in found if r["case"] == case]
        for peer in peers:
            if "error" not in ours and "error" not in peer:
                times = ours["cpu_seconds"] / peer["cpu_seconds"]
                result.append({"case": case, "method": f"CPU time as a part of {peer['method']}'s", "ratio": times})
    return result


SUITE: Suite = {
    "description": "a picture of a cloud without a display, start-up included, beside Open3D's offscreen renderer",
    "columns": ["case", "method", "seconds", "cpu_seconds", "peak_mb", "ratio", "error"],
    "rows": rows,
    "summary": summary,
}
