"""What this package adds to a scan's output folder: `scan.g3c`, the whole scan in one file.

cloud.ply          fused coloured points, on a 1 mm grid (far below a depth sensor's noise); no normals
poses.npy          [M, 4, 4] float64 camera-to-world, exact
timestamps.npy     [M] float64, exact
scan.json          intrinsics, depth scale, up, names of the posed frames and of those that were not used
frames             the posed frames' colour and depth files and the folder's small text files, as an RGB-D folder: each
                   picture predicted from others along the poses that the scan found, all of it back byte for byte
frames/...         files that lie elsewhere; all files with `--pack stored`
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from geo3d.console import to_json
from geo3d.errors import Geo3DError
from geo3d.io import RGBDDataset, open_rgbd
from geo3d.scan.options import ProductOptions
from geo3d.scan.result import ScanResult
from geo3d.types import PointCloud
from geo3d_compression import octree
from geo3d_compression.cloud import CloudOptions, encode_cloud
from geo3d_compression.codecs.array import add_array
from geo3d_compression.codecs.cloud import CloudCodec
from geo3d_compression.codecs.codec import Request
from geo3d_compression.codecs.file import add_file
from geo3d_compression.container import ContainerWriter, Item
from geo3d_compression.rgbd.codec import compress_folder
from geo3d_compression.rgbd.folder import FrameFolder, frame_folder, side_files

NAME = "scan.g3c"
FRAMES = "frames"
CLOUD_GRID_METRES = 0.001


def write(result: ScanResult, folder: Path, options: ProductOptions | None = None) -> dict[str, Any]:
    """Write `folder/scan.g3c`; return its bytes, and how many bytes each part has there and had before.

    "Before" is 15 bytes a point (float32 x y z, RGB) for the cloud, plain arrays for the poses, and for the frames the
    files of the scanned folder.
    """
    parts: dict[str, dict[str, int]] = {}
    with ContainerWriter() as writer:
        if len(result.cloud):
            item = writer.add_item(
                Item("cloud.ply", CloudCodec.kind, CloudCodec.number, octree.model_id("fast"))
            )  # fmt: skip
            cloud = PointCloud(result.cloud.points, result.cloud.colors)
            encode_cloud(cloud, writer, item, CloudOptions("fast", grid=CLOUD_GRID_METRES))
        parts["cloud"] = {"before": 15 * len(result.cloud), "bytes": writer.payload_bytes}
        add_array(writer, "poses.npy", result.trajectory.T_world_camera)
        add_array(writer, "timestamps.npy", result.trajectory.timestamps)
        add_file(writer, "scan.json", _about(result).encode())
        arrays = result.trajectory.T_world_camera.nbytes + result.trajectory.timestamps.nbytes
        parts["poses"] = {"before": arrays, "bytes": writer.payload_bytes - _sum(parts)}
        before = _add_frames(writer, result, options or ProductOptions())
        parts["frames"] = {"before": before, "bytes": writer.payload_bytes - _sum(parts)}
        size = writer.write(folder / NAME)
    raw = sum(p["before"] for p in parts.values())
    return {"container": NAME, "bytes": size, "raw_bytes": raw, "parts": parts}


def _sum(parts: dict[str, dict[str, int]]) -> int:
    return sum(p["bytes"] for p in parts.values())


def _about(result: ScanResult) -> str:
    camera = result.camera
    about = {
        "camera": {
            "width": camera.width, "height": camera.height, "fx": camera.fx, "fy": camera.fy, "cx": camera.cx,
            "cy": camera.cy, "distortion": list(camera.distortion),
        },
        "depth_scale": result.depth_scale,
        "up": np.asarray(result.up).tolist(),
        "posed": list(result.names),
        "unused": [{"name": f.name, "state": f.state, "reason": f.reason} for f in result.frames if f.state != "posed"],
    }  # fmt: skip
    return to_json(about)


def _add_frames(writer: ContainerWriter, result: ScanResult, options: ProductOptions) -> int:
    """Add the posed frames' files; bytes that they had."""
    if options.pack == "none":
        return 0
    try:
        dataset = open_rgbd(result.dataset)
    except Geo3DError:
        # The folder may be gone by now; the scan itself is still worth keeping.
        return 0
    paths = _files(dataset, result)
    coded: FrameFolder | None = None
    if options.pack != "stored":
        T_world_depth = dict(zip(result.posed.tolist(), result.trajectory.T_world_camera, strict=True))
        coded = frame_folder(dataset, T_world_depth, paths)
    total = 0
    for path in paths:
        total += path.stat().st_size
        if coded is None or not path.is_relative_to(dataset.folder):
            name = path.relative_to(dataset.folder) if path.is_relative_to(dataset.folder) else Path(path.name)
            add_file(writer, f"{FRAMES}/{name.as_posix()}", path.read_bytes())
    if coded is not None and coded.files:
        compress_folder(coded, writer, FRAMES, Request("best" if options.pack == "best" else "fast"))
    return total


def _files(dataset: RGBDDataset, result: ScanResult) -> list[Path]:
    """Depth and colour of the posed frames, and the small text files beside them."""
    paths: dict[Path, None] = {}
    for i in result.posed:
        for path in (dataset.depth_paths[i], dataset.color_paths[i]):
            if path is not None and path.is_file():
                paths[path] = None
    return [*paths, *side_files(dataset.folder)] if paths else []
