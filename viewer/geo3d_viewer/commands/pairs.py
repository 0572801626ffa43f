"""`geo3d view` of two things: how far they are apart (--compare), or one moved onto the other (--aligned)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from geo3d.console import report
from geo3d.errors import Geo3DError
from geo3d_viewer.camera import ViewCamera
from geo3d_viewer.scene import LineLayer, MeshLayer, Scene


def compared(
    paths: Sequence[str],
    snapshot: Path | None,
    size: tuple[int, int],
    camera: Literal["auto"] | ViewCamera,
    as_json: bool,
) -> Scene:
    """Measure, report the numbers, draw the picture if one is wanted; return the scene for a window."""
    from geo3d_viewer.compare import Geometry, compare, comparison_picture, comparison_scene
    from geo3d_viewer.load import load_scene
    from geo3d_viewer.snapshots import write_image

    if len(paths) != 2:
        raise Geo3DError(f"--compare takes two clouds or meshes, got {len(paths)}")
    geometries: list[Geometry] = []
    for path in paths:
        solid = [la for la in load_scene([path]).layers if not isinstance(la, LineLayer)]
        if len(solid) != 1:
            raise Geo3DError(f"--compare takes single clouds or meshes, but {path} holds {len(solid)} layers")
        geometries.append(solid[0].mesh if isinstance(solid[0], MeshLayer) else solid[0].cloud)
    reference, other = geometries
    result = compare(reference, other)
    numbers: dict[str, Any] = {f"{name}_m": value for name, value in result.numbers().items()}
    if snapshot is not None:
        panel = (size[0] // 2, size[1] // 2)
        names = (Path(paths[0]).name, Path(paths[1]).name)
        image, seen = comparison_picture(reference, other, result, panel, camera, names)
        write_image(snapshot, image)
        numbers |= {"snapshot": str(snapshot), "camera": seen.to_json()}
    report(numbers, as_json=as_json)
    return comparison_scene(reference, other, result)


def registered(
    paths: Sequence[str],
    transform: Path,
    snapshot: Path | None,
    size: tuple[int, int],
    camera: Literal["auto"] | ViewCamera,
    as_json: bool,
) -> Scene:
    """Draw before and after if a picture is wanted; return the scene after registration for a window."""
    from geo3d_viewer.load import load_scene
    from geo3d_viewer.registration import read_transform, registration_picture, registration_scenes
    from geo3d_viewer.snapshots import write_image

    if len(paths) != 2:
        raise Geo3DError(f"--aligned takes a source and a target, got {len(paths)} paths")
    source, target = (load_scene([path], in_camera=True) for path in paths)
    before, after = registration_scenes(source, target, read_transform(transform))
    if snapshot is not None:
        image, seen = registration_picture(before, after, (size[0] // 2, size[1]), camera)
        write_image(snapshot, image)
        report({"snapshot": str(snapshot), "camera": seen.to_json()}, as_json=as_json)
    return after
