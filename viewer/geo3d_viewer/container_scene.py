"""A `.g3c` file as a scene: its clouds, coarse ones first where wanted, and a scan's camera path."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from geo3d_compression.cloud.header import CloudHeader
from geo3d_compression.codecs.array import read_array
from geo3d_compression.codecs.cloud import need_model
from geo3d_compression.codecs.file import read_file
from geo3d_compression.container import Container

from geo3d.errors import FormatError
from geo3d.types import PinholeCamera, Trajectory
from geo3d_viewer.fields import field_scene, is_field
from geo3d_viewer.frusta import trajectory_layers
from geo3d_viewer.scene import Layer, PointLayer, Scene

# Voxels that a surface through a cube of 2^n voxels a side has, as a multiple of 4^n.
_SURFACE = 1.5


def container_scene(path: Path, *, preview: int | None = None) -> Scene:
    """Layers of everything in a `.g3c` file that can be drawn; the rest is named in the notes.

    preview  of clouds with more points decode the coarse octree levels that hold about so many
    """
    from geo3d_compression.cloud import CloudView, decode_cloud
    from geo3d_compression.cloud.decode import read_header

    stem = path.name.split(".")[0]
    if is_field(path):
        from geo3d_recon.field import read_field

        return field_scene(read_field(path), stem)
    layers: list[Layer] = []
    arrays: dict[str, int] = {}
    about: dict[str, Any] = {}
    frames: Scene | None = None
    left_out: dict[str, int] = {}
    with Container(path) as container:
        scanned = any(item.name == "scan.json" for item in container.items)
        for number, item in enumerate(container.items):
            name = item.name.rsplit(".", 1)[0] if item.kind == "cloud" else item.name
            if item.kind == "cloud":
                need_model(item)
                header = read_header(container, number)
                level = None if preview is None else coarse_level(header, preview)
                cloud = decode_cloud(container, number, CloudView(level))
                layers.append(PointLayer(name if name.startswith(stem) else f"{stem}/{name}", cloud))
            elif item.kind == "rgbd":
                # The cloud of a scan shows what its frames would.
                if not scanned:
                    frames = _frames(path)
            elif item.kind == "array":
                arrays[item.name] = number
            elif item.name == "scan.json":
                about = _about(read_file(container, number), path)
            elif not item.name.startswith("frames/"):
                left_out[item.kind] = left_out.get(item.kind, 0) + 1
        if {"poses.npy", "timestamps.npy"} <= set(arrays):
            poses, times = (read_array(container, arrays[n]) for n in ("poses.npy", "timestamps.npy"))
            layers += trajectory_layers(Trajectory(times, poses), about.get("camera"), prefix=f"{stem}/camera")
    if frames is not None:
        layers += frames.layers
        about.setdefault("up", frames.up)
    notes = tuple(f"{path.name}: {count} items of kind '{kind}' are not shown" for kind, count in left_out.items())
    if not layers:
        raise FormatError(f"{path} holds nothing that can be drawn ({'; '.join(notes) or 'no items'})")
    return Scene(tuple(layers), up=about.get("up"), title=path.name, notes=notes)


def _frames(path: Path) -> Scene:
    """The RGB-D folder in a file, its frames and cameras."""
    from geo3d.io import open_rgbd
    from geo3d_viewer.packed import unpacked
    from geo3d_viewer.rgbd import dataset_scene

    with unpacked(path, "rgbd") as folder:
        return dataset_scene(open_rgbd(folder))


def _about(data: bytes, path: Path) -> dict[str, Any]:
    """Camera and up of a scan."""
    try:
        about = json.loads(data)
        up = np.asarray(about["up"], dtype=np.float64).reshape(3)
        if not np.isfinite(up).all() or not up.any():
            raise ValueError(f"up is {up.tolist()}")
        return {"camera": PinholeCamera(**about["camera"]), "up": up}
    except (ValueError, KeyError, TypeError) as error:
        raise FormatError(f"{path}: its scan.json cannot be used ({error})") from error


def coarse_level(header: CloudHeader, most: int) -> int | None:
    """The finest octree level with about `most` voxels of a cloud that is a surface; None: all levels."""
    for coarser in range(header.depth):
        voxels = sum(min(t.voxels, _SURFACE * 4.0 ** max(t.depth - coarser, 0)) for t in header.tiles)
        if voxels <= most:
            break
    return header.depth - coarser if header.depth and coarser else None
