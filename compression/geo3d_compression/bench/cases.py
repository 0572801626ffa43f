"""The clouds of the point-cloud benchmark: what is read, on which grid, and what TMC13 needed for it.

`tmc13.csv` records TMC13 v23.0-rc2 (the G-PCC reference software; octree, common-test flags, no angular mode; its
seconds are from one thread of another 2-core machine): bytes of the lossless geometry, and bits a point of the lossless
predicting transform for colours.  Where its program is installed, the suite runs it instead (see `tmc13`).

Grid index = round(coordinate / cell), duplicates removed.  The grid's zero is the file's: frames and LiDAR turns are
stored in the sensor's own frame, so that the codec knows where the sensor stood, as it does for the files themselves.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from geo3d.io import read_points
from geo3d.ops.voxelize import unique_voxels
from geo3d.types import PointCloud
from geo3d_compression.bench import tmc13

# Of the Kinect's depth pictures: pixels, and metres beyond which it only guesses.
_FOCAL, _FARTHEST = 585.0, 6.0


@dataclass(frozen=True, eq=False)
class Case:
    """A cloud on its grid, unique integer points with mean colours; recorded numbers where there are some."""

    name: str
    kind: str
    grid: str
    cloud: PointCloud
    tmc13_bpp: float | None = None
    tmc13_seconds: tuple[float, float] | None = None
    tmc13_color_bpp: float | None = None

    @property
    def shifted(self) -> NDArray[np.int32]:
        """The points from 0 on, as codecs without signs want them."""
        points: NDArray[np.int32] = self.cloud.points
        return points - points.min(axis=0)

    @property
    def bits(self) -> int:
        """Bits of the largest shifted coordinate."""
        return int(self.shifted.max()).bit_length()


def cases(data: Path | None) -> Iterator[Case]:
    """The clouds of `data`/pcc that have reference numbers; without `data`, the bundled samples at 2 and 10 mm."""
    if data is None:
        for path in sorted((Path(__file__).parents[3] / "samples").glob("**/*.ply")):
            cloud = read_points(path)
            for cell in (0.002, 0.01):
                yield Case(path.stem, "sample", f"{cell * 1000:g} mm", on_grid(cloud, cell))
        return
    for row in _references():
        found = [p for p in sorted((data / "pcc").rglob(row["cloud"] + ".*")) if p.is_file()]
        if not found:
            continue
        cell = 1.0 if row["grid"] == "as is" else float(row["grid"].split()[0]) / 1000
        color = row["lossless_color_bpp"]
        yield Case(
            row["cloud"], row["kind"], row["grid"], on_grid(_read(found[0]), cell),
            8 * int(row["bytes"]) / int(row["points"]), (float(row["enc_s"]), float(row["dec_s"])),
            float(color) if color else None,
        )  # fmt: skip
    yield from depth_frames(data)
    if tmc13.program():
        yield from sampled(data)


def on_grid(cloud: PointCloud, cell: float) -> PointCloud:
    """Unique cells as int32 points, with the mean colour of each."""
    indices = np.rint(cloud.points.astype(np.float64) / cell).astype(np.int64)
    voxels, inverse, counts = unique_voxels(indices)
    colors: NDArray[np.uint8] | None = None
    if cloud.colors is not None:
        sums = np.stack([np.bincount(inverse, cloud.colors[:, k], len(voxels)) for k in range(3)], axis=1)
        colors = np.rint(sums / counts[:, None]).astype(np.uint8)
    return PointCloud(voxels.astype(np.int32), colors)


def _references() -> list[dict[str, str]]:
    text = (files(__package__) / "tmc13.csv").read_text()
    # Sampled meshes depend on the sampling; records are compared for clouds that everybody has alike.
    return [r for r in csv.DictReader(text.splitlines()) if "surface" not in r["grid"]]


def depth_frames(data: Path) -> Iterator[Case]:
    """Points of single depth pictures of `data`/pcc/indoor/7scenes_raw (Kinect, 585 pixels), in the camera's frame."""
    for path in sorted((data / "pcc" / "indoor").glob("7scenes_raw/*.depth.png")):
        with Image.open(path) as picture:
            depth = np.asarray(picture).astype(np.float64) / 1000
        depth[depth > _FARTHEST] = 0
        v, u = np.nonzero(depth)
        z = depth[v, u]
        height, width = depth.shape
        points = np.stack([(u - width / 2) / _FOCAL * z, (v - height / 2) / _FOCAL * z, z], axis=1)
        for cell in (0.001, 0.002, 0.01):
            yield Case(path.name.split(".")[0], "frame", f"{cell * 1000:g} mm", on_grid(PointCloud(points), cell))


def sampled(data: Path) -> Iterator[Case]:
    """The meshes of `data`/pcc/objects as solid clouds of 9 bits: a new sampling, so that no record fits them."""
    import trimesh

    for path in sorted((data / "pcc" / "objects").glob("*_mesh.ply")):
        mesh = trimesh.load(path, process=False)
        mesh.vertices = (mesh.vertices - mesh.bounds[0]) * (511 / mesh.extents.max())
        points, _ = trimesh.sample.sample_surface(mesh, int(12 * mesh.area), seed=0)
        yield Case(path.stem.removesuffix("_mesh"), "solid", "9-bit surface", on_grid(PointCloud(points), 1.0))


def _read(path: Path) -> PointCloud:
    if path.suffix == ".bin":
        table: NDArray[Any] = np.fromfile(path, np.float32).reshape(-1, 4)
        return PointCloud(table[:, :3])
    return read_points(path)
