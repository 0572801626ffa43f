"""What `geo3d convert` does with things that are neither one cloud nor one mesh: recordings, RGB-D folders, COLMAP's
models, trajectories and volumes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from geo3d.errors import FormatError

_POSES = (".txt", ".tum", ".log")


def converted(source: Path, target: Path) -> dict[str, Any] | None:
    """Convert and say what came out; None if `source` is none of these things."""
    if source.is_dir():
        return _folder(source, target)
    from geo3d.io.files import bare_suffix
    from geo3d.io.rgbd.recordings import RECORDING_FORMATS
    from geo3d.io.volumes import VOLUME_FORMATS

    if any(kind.detect(source) for kind in RECORDING_FORMATS.values()):
        return _unpacked(source, target)
    if source.suffix in _POSES and target.suffix in _POSES and (source.suffix != ".txt" or target.suffix != ".txt"):
        return _trajectory(source, target)
    named = tuple(s for s in VOLUME_FORMATS if s)
    if bare_suffix(source, named) in named and bare_suffix(target, named) in named and not _is_table(source):
        return _volume(source, target)
    return None


def _folder(source: Path, target: Path) -> dict[str, Any]:
    from geo3d.io.rgbd.colmap import is_colmap
    from geo3d.io.rgbd.recordings import RECORDING_FORMATS

    if is_colmap(source):
        return _colmap(source, target)
    if any(kind.detect(source) for kind in RECORDING_FORMATS.values()):
        return _unpacked(source, target)
    if any(p.suffix.lower() in (".dcm", ".ima") for p in source.iterdir()):
        return _volume(source, target)
    return _rgbd(source, target)


def _unpacked(source: Path, target: Path) -> dict[str, Any]:
    from geo3d.console import say
    from geo3d.export import prepared
    from geo3d.io import open_rgbd
    from geo3d.io.rgbd.recordings import unpack_recording

    if target.suffix in _POSES:
        raise FormatError(
            f"{source} is a recording; convert it into a folder first, then the folder into {target.name}"
        )
    _need_folder(target, "the frames of a recording")
    for name, reason in unpack_recording(source, target, prepared).items():
        say(f"frame {name} is left out: {reason}")
    return {"kind": "rgbd", "frames": len(open_rgbd(target))}


def _rgbd(source: Path, target: Path) -> dict[str, Any]:
    import numpy as np

    from geo3d.console import say
    from geo3d.export import export_nerfstudio, open_scan
    from geo3d.io import write_trajectory
    from geo3d.types import Trajectory

    scan = open_scan(source)
    if target.suffix in _POSES:
        posed = [
            (t, T) for t, T in zip(scan.dataset.timestamps, scan.dataset.T_world_camera, strict=True) if T is not None
        ]
        if not posed:
            raise FormatError(f"{source} has no poses; `geo3d scan` finds them")
        write_trajectory(target, Trajectory(np.array([t for t, _ in posed]), np.stack([T for _, T in posed])))
        return {"kind": "trajectory", "poses": len(posed)}
    _need_folder(target, "an RGB-D folder's frames")
    result = export_nerfstudio(scan, target)
    for name, reason in result.left_out.items():
        say(f"frame {name} is left out: {reason}")
    return {"kind": "rgbd", "frames": result.frames}


def _colmap(source: Path, target: Path) -> dict[str, Any]:
    import numpy as np

    from geo3d.io import write_points, write_trajectory
    from geo3d.io.rgbd.colmap import read_colmap
    from geo3d.types import Trajectory

    model = read_colmap(source)
    if target.suffix in (".tum", ".log"):
        poses = [im.T_world_camera for im in model.images]
        if not poses:
            raise FormatError(f"{source} holds no registered picture")
        # COLMAP knows no times: pictures count in the order of their names.
        write_trajectory(target, Trajectory(np.arange(len(poses), dtype=np.float64), np.stack(poses)))
        return {"kind": "trajectory", "poses": len(poses)}
    write_points(target, model.points)
    return {"kind": "cloud", "points": len(model.points), "fields": ["colors", *model.points.attributes]}


def _trajectory(source: Path, target: Path) -> dict[str, Any]:
    from geo3d.io import read_trajectory, write_trajectory

    trajectory = read_trajectory(source)
    write_trajectory(target, trajectory)
    return {"kind": "trajectory", "poses": len(trajectory)}


def _volume(source: Path, target: Path) -> dict[str, Any]:
    from geo3d.io.volumes import read_volume, write_volume

    volume = read_volume(source)
    write_volume(target, volume)
    return {"kind": "volume", "shape": list(volume.voxels.shape), "dtype": str(volume.voxels.dtype)}


def _is_table(source: Path) -> bool:
    """True for an `.npy` of points, not voxels."""
    import numpy as np

    if source.suffix.lower() != ".npy":
        return False
    try:
        return np.load(source, mmap_mode="r", allow_pickle=False).ndim < 3
    except (ValueError, OSError, EOFError):
        return True


def _need_folder(target: Path, what: str) -> None:
    if target.suffix or target.is_file():
        raise FormatError(f"{target}: {what} go into a folder (poses alone: {', '.join(_POSES)})")
