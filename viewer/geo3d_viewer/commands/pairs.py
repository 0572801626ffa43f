"""`geo3d view` of two things: how far they are apart (--compare), or one moved onto the other (--aligned)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from geo3d.console import report
from geo3d.errors import Geo3DError
from geo3d.types import PointCloud, TriangleMesh
from geo3d_viewer.camera import ViewCamera
from geo3d_viewer.compare import Metric
from geo3d_viewer.linked import Shown
from geo3d_viewer.scene import LineLayer, MeshLayer, Scene


def compared(
    paths: Sequence[str],
    snapshot: Path | None,
    size: tuple[int, int],
    camera: Literal["auto"] | ViewCamera,
    as_json: bool,
    split: bool,
    metric: Metric = "point",
) -> Shown:
    """Measure, report the numbers, draw the picture if one is wanted; return what a window shows."""
    from geo3d_viewer.compare import Compared, compare, comparison_picture, comparison_scene, linked_comparison
    from geo3d_viewer.load import load_scene
    from geo3d_viewer.snapshots import write_image

    if len(paths) < 2:
        raise Geo3DError(f"--compare takes a reference and others to measure against it, got {len(paths)} path")
    reference, *geometries = [_single(load_scene([path]), path) for path in paths]
    points = len(reference.points if isinstance(reference, PointCloud) else reference.vertices)
    others = [
        Compared(_title(Path(path), points), geometry, compare(reference, geometry, metric))
        for path, geometry in zip(paths[1:], geometries, strict=True)
    ]
    rows = [{"path": path, **o.result.numbers()} for path, o in zip(paths[1:], others, strict=True)]
    answer: dict[str, Any] = {"reference": paths[0], "metric": metric, "distances_m": rows}
    if snapshot is not None:
        panel = (size[0] // (1 + len(others)), size[1] // 2)
        image, seen = comparison_picture(reference, others, panel, camera, Path(paths[0]).name)
        write_image(snapshot, image)
        answer |= {"snapshot": str(snapshot), "camera": seen.to_json()}
    report(answer, as_json=as_json)
    if split:
        return Shown(*linked_comparison(reference, others, Path(paths[0]).name))
    return Shown(comparison_scene(reference, others))


def _single(scene: Scene, path: str) -> PointCloud | TriangleMesh:
    solid = [la for la in scene.layers if not isinstance(la, LineLayer)]
    if len(solid) != 1:
        raise Geo3DError(f"--compare takes single clouds or meshes, but {path} holds {len(solid)} layers")
    return solid[0].mesh if isinstance(solid[0], MeshLayer) else solid[0].cloud


def _title(path: Path, points: int) -> str:
    """The file's name; of a compressed cloud also its bits per point of the reference."""
    if path.suffix.lower() != ".g3c":
        return path.name
    return f"{path.name}, {8 * path.stat().st_size / points:.2f} bits a point"


def registered(
    paths: Sequence[str],
    transform: Path,
    snapshot: Path | None,
    size: tuple[int, int],
    camera: Literal["auto"] | ViewCamera,
    as_json: bool,
    split: bool,
) -> Shown:
    """Draw before and after if a picture is wanted; return what a window shows."""
    from geo3d_viewer.load import load_scene
    from geo3d_viewer.registration import (
        linked_registration,
        read_transform,
        registration_picture,
        registration_scenes,
    )
    from geo3d_viewer.snapshots import write_image

    if len(paths) != 2:
        raise Geo3DError(f"--aligned takes a source and a target, got {len(paths)} paths")
    source, target = (load_scene([path], in_camera=True) for path in paths)
    before, after = registration_scenes(source, target, read_transform(transform))
    if snapshot is not None:
        image, seen = registration_picture(before, after, (size[0] // 2, size[1]), camera)
        write_image(snapshot, image)
        report({"snapshot": str(snapshot), "camera": seen.to_json()}, as_json=as_json)
    return Shown(*linked_registration(before, after)) if split else Shown(after)
