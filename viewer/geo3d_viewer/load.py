"""From paths on a command line to a scene."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError
from geo3d.types import PointCloud, Trajectory, TriangleMesh
from geo3d_viewer.frusta import trajectory_layers
from geo3d_viewer.palette import CATEGORIES
from geo3d_viewer.preview import preview_points
from geo3d_viewer.rgbd import dataset_scene, frame_scene, posed_up
from geo3d_viewer.scene import Layer, LineLayer, MeshLayer, PointLayer, Scene
from geo3d_viewer.texture import may_be_textured, read_textured

if TYPE_CHECKING:
    from geo3d.io.volumes import Volume

_TRAJECTORY_SUFFIXES = (".txt", ".log", ".tum")
_SCAN_FILES = ("mesh.ply", "cloud.ply")


def load_scene(paths: Sequence[str | Path], *, preview: int | None = None, in_camera: bool = False) -> Scene:
    """Read everything that `paths` name into one scene, one or more layers each.

    preview    of large clouds take about so many points: coarse octree levels of `.g3c` files, every k-th of others
    in_camera  leave single RGB-D frames in their camera's frame, as `geo3d register` takes them, also with a pose

    A path is a cloud, a mesh, a trajectory (TUM, `.log`), an RGB-D folder, `FOLDER@FRAME` (a frame's name or number),
    the output folder of a scan, or a `.g3c` file.
    """
    return merged(load_parts(paths, preview=preview, in_camera=in_camera), paths)


def load_parts(paths: Sequence[str | Path], *, preview: int | None = None, in_camera: bool = False) -> list[Scene]:
    """As `load_scene`, but a scene for each path; no two layers of all have one name."""
    if not paths:
        raise FormatError("nothing to look at: give the path of a cloud, a mesh, an RGB-D folder or a .g3c file")
    taken: set[str] = set()
    parts = []
    for part in _told_apart([_load(str(path), preview, in_camera) for path in paths]):
        layers: list[Layer] = []
        for la in part.layers:
            layers.append(replace(la, name=_unused(la.name, taken)))
            taken.add(layers[-1].name)
        parts.append(replace(part, layers=tuple(layers)))
    return parts


def merged(parts: Sequence[Scene], paths: Sequence[str | Path]) -> Scene:
    """One scene of the parts that `load_parts` read."""
    informed = next((p for p in parts if p.up is not None), Scene())
    title = ", ".join(Path(str(p)).name for p in paths)
    layers = tuple(la for p in parts for la in p.layers)
    return Scene(layers, informed.up, informed.forward, title, tuple(note for p in parts for note in p.notes))


def _told_apart(parts: list[Scene]) -> list[Scene]:
    """The scenes, each in a colour of its own if there are several and none has colours."""
    solid = [la for p in parts for la in p.layers if not isinstance(la, LineLayer)]
    is_colored = any(
        (la.cloud.colors if isinstance(la, PointLayer) else la.mesh.vertex_colors) is not None for la in solid
    )
    if is_colored or sum(any(not isinstance(la, LineLayer) for la in p.layers) for p in parts) < 2:
        return parts
    colors = ["#" + bytes(c).hex() for c in CATEGORIES]
    return [
        replace(p, layers=tuple(_in_color(la, colors[k % len(colors)]) for la in p.layers)) for k, p in enumerate(parts)
    ]


def _in_color(layer: Layer, color: str) -> Layer:
    return layer if isinstance(layer, LineLayer) else replace(layer, color_by=color)


def _unused(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    head, _, tail = name.partition("/")
    number = 2
    while (candidate := f"{head}-{number}" + (f"/{tail}" if tail else "")) in taken:
        number += 1
    return candidate


def _load(text: str, preview: int | None, in_camera: bool) -> Scene:
    path = Path(text)
    if not path.exists() and "@" in text:
        from geo3d.io import open_rgbd

        folder, _, frame = text.rpartition("@")
        dataset = open_rgbd(folder)
        loaded = dataset.load(dataset.index(frame))
        return frame_scene(replace(loaded, T_world_camera=None) if in_camera else loaded)
    if path.is_dir():
        from geo3d.io import open_rgbd
        from geo3d.io.rgbd.colmap import is_colmap

        if (path / "poses.txt").is_file() and any((path / name).is_file() for name in _SCAN_FILES):
            return _scan_folder(path)
        if is_colmap(path):
            return _colmap_scene(path)
        if (volume := read_any_volume(path)) is not None:
            from geo3d_viewer.volumes import opened_scene

            return opened_scene(volume, path.name)
        return dataset_scene(open_rgbd(path))
    if path.suffix.lower() in _TRAJECTORY_SUFFIXES and path.is_file():
        from geo3d.io import read_trajectory

        return _trajectory_scene(read_trajectory(path), path.stem)
    if path.suffix.lower() == ".g3c" and path.is_file():
        from geo3d_viewer.container_scene import container_scene

        return container_scene(path, preview=preview)
    volume = read_any_volume(path)
    if volume is not None:
        from geo3d_viewer.volumes import opened_scene

        return opened_scene(volume, path.name.split(".")[0])
    from geo3d.io import read_geometry

    part = None if preview is None else preview_points(path, preview)
    if path.is_file() and may_be_textured(path):
        return _textured_scene(path)
    return geometry_scene(read_geometry(path) if part is None else part, path.name.split(".")[0])


def _textured_scene(path: Path) -> Scene:
    """A layer for each mesh of a file that may have textures."""
    from geo3d.io import read_geometry

    name = path.name.split(".")[0]
    # Our reader checks the file first: it knows how damaged ones look.
    whole = read_geometry(path)
    parts = read_textured(path)
    if not any(texture for *_, texture in parts):
        return geometry_scene(whole, name)
    taken: set[str] = set()
    layers = []
    for part, mesh, texture in parts:
        layer = MeshLayer(name if len(parts) == 1 else _unused(f"{name}/{part}", taken), mesh, texture=texture)
        taken.add(layer.name)
        layers.append(layer)
    return Scene(tuple(layers))


def read_any_volume(path: Path) -> Volume | None:
    """The volume that a path names; None if it names something else.  An array [N, 3] is a cloud, not a volume."""
    from geo3d.io.files import bare_suffix
    from geo3d.io.volumes import VOLUME_FORMATS, read_volume

    suffix = bare_suffix(path, tuple(s for s in VOLUME_FORMATS if s))
    if suffix == ".g3c":
        return _packed_volume(path)
    if path.is_dir():
        is_volume = any(p.suffix.lower() in (".dcm", ".ima") for p in path.iterdir())
    else:
        is_volume = suffix in VOLUME_FORMATS and path.is_file()
    if is_volume and suffix == ".npy" and path.suffix.lower() == ".npy":
        try:
            is_volume = np.load(path, mmap_mode="r", allow_pickle=False).ndim > 2
        except (ValueError, OSError, EOFError):
            # The reader of clouds says what is wrong with it.
            return None
    return read_volume(path) if is_volume else None


def _packed_volume(path: Path) -> Volume | None:
    from geo3d.io.volumes import read_volume
    from geo3d_viewer.packed import kinds, unpacked

    if kinds(path) != ("volume",):
        return None
    with unpacked(path, "volume") as file:
        return read_volume(file)


def geometry_scene(geometry: PointCloud | TriangleMesh, name: str) -> Scene:
    """A scene with this one layer."""
    if isinstance(geometry, TriangleMesh):
        return Scene((MeshLayer(name, geometry),))
    finite, dropped = geometry.finite()
    notes = (f"{name}: {dropped} points with NaN or infinite coordinates are not shown",) if dropped else ()
    return Scene((PointLayer(name, finite),), notes=notes)


def _trajectory_scene(trajectory: Trajectory, name: str) -> Scene:
    if not len(trajectory):
        raise FormatError(f"trajectory '{name}' holds no pose")
    return Scene(trajectory_layers(trajectory, prefix=name), up=posed_up(trajectory.T_world_camera))


def _colmap_scene(folder: Path) -> Scene:
    """The points of a COLMAP model and its cameras; pictures of several cameras are drawn with the first."""
    from geo3d.io.rgbd.colmap import read_colmap

    model = read_colmap(folder)
    name = folder.resolve().name
    layers: list[Layer] = [PointLayer(f"{name}/points", model.points)] if len(model.points) else []
    if not model.images:
        return Scene(tuple(layers))
    poses = np.stack([image.T_world_camera for image in model.images])
    trajectory = Trajectory(np.arange(len(poses), dtype=np.float64), poses)
    layers += trajectory_layers(trajectory, model.cameras[model.images[0].camera], prefix=f"{name}/cameras")
    return Scene(tuple(layers), up=posed_up(poses), title=f"COLMAP {name}")


def _reported_up(folder: Path) -> NDArray[np.float64]:
    """What the scan found to be up."""
    try:
        up = np.asarray(json.loads((folder / "report.json").read_text(encoding="utf-8"))["up"], dtype=np.float64)
        if up.shape != (3,) or not np.isfinite(up).all() or not up.any():
            raise ValueError(f"up is {up.tolist()}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FormatError(f"{folder / 'report.json'} cannot be used ({error}); scan again or delete it") from error
    return up


def _scan_folder(folder: Path) -> Scene:
    """The output of `geo3d scan`: its mesh, its cloud (hidden behind the mesh) and the camera's way."""
    from geo3d.io import read_geometry, read_trajectory

    name = folder.resolve().name
    layers: list[Layer] = []
    for file in _SCAN_FILES:
        if (folder / file).is_file():
            (layer,) = geometry_scene(read_geometry(folder / file), f"{name}/{Path(file).stem}").layers
            layer = replace(layer, two_sided=False) if isinstance(layer, MeshLayer) else layer
            layers.append(replace(layer, visible=not layers))
    trajectory = read_trajectory(folder / "poses.txt")
    scene = Scene((*layers, *trajectory_layers(trajectory, prefix=f"{name}/camera")), title=f"scan {name}")
    if not len(trajectory):
        return scene
    forward = trajectory.T_world_camera[:, :3, 2].mean(axis=0)
    return replace(
        scene,
        up=_reported_up(folder) if (folder / "report.json").is_file() else posed_up(trajectory.T_world_camera, scene),
        forward=forward if np.linalg.norm(forward) > 0.5 else None,
    )
