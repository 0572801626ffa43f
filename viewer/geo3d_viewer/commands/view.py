"""The verb `view`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import tyro

from geo3d.console import report, say
from geo3d.errors import Geo3DError, ShapeError
from geo3d_viewer.camera import ViewCamera
from geo3d_viewer.linked import Shown, linked_picture
from geo3d_viewer.scene import LineLayer, Scene


def view(
    paths: tyro.conf.Positional[tuple[str, ...]],
    /,
    snapshot: Annotated[Path | None, tyro.conf.arg(metavar="OUT.png")] = None,
    size: Annotated[str, tyro.conf.arg(metavar="WxH")] = "960x720",
    camera: Annotated[str | None, tyro.conf.arg(metavar="JSON|auto|last")] = None,
    color_by: str = "auto",
    compare: bool = False,
    metric: Literal["point", "plane", "hausdorff"] = "point",
    aligned: Annotated[Path | None, tyro.conf.arg(metavar="T.json")] = None,
    split: bool = False,
    turntable: Annotated[Path | None, tyro.conf.arg(metavar="OUT.mp4")] = None,
    render_path: Annotated[Path | None, tyro.conf.arg(metavar="OUT.mp4")] = None,
    web: bool = False,
    host: str = "127.0.0.1",
    port: int = 8080,
    json: bool = False,
) -> None:
    """Look at clouds, meshes, RGB-D folders, trajectories and scans, in a window, a browser or as a picture.

    Several paths are several layers.  --snapshot and --web need no display.

    Examples:
      geo3d view cloud.ply mesh.ply
      geo3d view samples/box_desk --snapshot desk.png --size 1280x960
      geo3d view samples/box_desk@frame-000015 --snapshot frame.png
      geo3d view original.ply fine.g3c coarse.g3c --compare --snapshot difference.png --size 1500x900
      geo3d view source.ply target.ply --aligned T.json --snapshot registered.png
      geo3d view original.ply decoded.g3c mesh.ply --split
      geo3d view original.ply decoded.g3c --compare --metric hausdorff --split --web
      geo3d view photo.png decoded.png --snapshot error.png
      geo3d view clip.mkv decoded.mp4 --snapshot error.mp4
      geo3d view scan-output/scan.g3c@000120 --snapshot cost.png
      geo3d view volume.nii.gz --snapshot slices.png --size 1200x900
      geo3d view field.g3c --render-path walk.mp4 --size 640x480
      geo3d view scan-output --web --port 8080
      geo3d view cloud.ply --snapshot top.png --camera '{"position": [0, 0, 9], "target": [0, 0, 0], "up": [0, 1, 0]}'

    Args:
        paths: files and folders: cloud, mesh, trajectory, RGB-D folder, FOLDER@FRAME, scan output, .g3c,
            FILE.g3c@FRAME (what predicted a coded colour frame, and where its bits went).
        snapshot: write a picture (.png, .jpg, .webp; of films also .mp4) and open no window.
        size: of the picture or window in pixels.
        camera: `auto` (upright, everything in view), `last` (as when the window on these paths was closed), a JSON
            object with position, target, up and fov (degrees), or a file that holds one. Without it, pictures, films
            and pages are `auto`, and a window begins as it was left.
        color_by: rgb, height, normal, an attribute's name, or #rrggbb; `auto` takes colours where there are any.
        compare: take the first cloud or mesh as reference and colour the others by their distance to it; --snapshot
            then shows all of them, the distances and a histogram.
        metric: of --compare: to the nearest point (or a mesh's surface), to the plane through it, or as `point` in both
            directions with the largest distance marked (Hausdorff).
        aligned: take SOURCE and TARGET and the answer of `geo3d register`, and show them in two colours, the source
            moved onto the target; --snapshot then shows before and after.
        split: give every path (with --compare and --aligned every stage) a view of its own, all with one camera.
        turntable: write a film of the scene turning once and open no window.
        render_path: of a radiance field, write a film along the scan's way and open no window.
        web: serve a page for the browser and open no window.
        host: interface to serve on; other than this machine's own, a token in the address is required.
        port: to serve on; 0 takes a free one.
        json: print what was drawn and the camera as one JSON object.
    """
    from geo3d_viewer.commands.field import field_output
    from geo3d_viewer.commands.flat import flat_picture, flat_shown
    from geo3d_viewer.preview import stages

    pixels = parse_size(size)
    eye = _camera(camera or "auto", paths)
    if split and turntable is not None:
        raise Geo3DError("--split is for windows, pages and --snapshot; a film has one view")
    if flat_picture(paths, snapshot, pixels, json) or field_output(paths, snapshot, render_path, pixels, eye, json):
        return
    is_picture = snapshot is not None or turntable is not None
    is_pair = compare or aligned is not None
    if not (is_picture or web):
        from geo3d_viewer.desktop.toolkit import begin_import

        begin_import()
    rest: list[int | None] = []
    flat = None if is_picture or is_pair else flat_shown(paths)
    if flat is not None:
        from geo3d_viewer.flat_scene import front_camera

        shown = flat
        eye = front_camera(flat, (max(1, 3 * pixels[0] // (4 * len(flat.views))), pixels[1])) if eye == "auto" else eye
    elif is_pair:
        from geo3d_viewer.commands.pairs import compared, registered

        if aligned is not None:
            shown = registered(paths, aligned, snapshot, pixels, eye, json, split)
        else:
            shown = compared(paths, snapshot, pixels, eye, json, split, metric)
    else:
        first, *rest = (None,) if is_picture else stages(paths)
        shown = _loaded(paths, color_by, split, first)
    scene = shown.scene
    for note in scene.notes:
        say(f"geo3d view: {note}")
    if snapshot is not None and not is_pair:
        _write_snapshot(shown, snapshot, pixels, eye, json)
    if turntable is not None:
        from geo3d_viewer.turntable import turntable as film

        frames = film(scene, turntable, pixels, eye)
        report({"turntable": str(turntable), "frames": frames, "bytes": turntable.stat().st_size}, as_json=json)
    if is_picture:
        return

    def later() -> Iterator[Scene]:
        yield from (_loaded(paths, color_by, split, points).scene for points in rest)

    # What was read as a part is read again, whole, while the part is looked at.
    details = later if rest else None
    if web:
        from geo3d_viewer.web.serve import serve_forever

        serve_forever(scene, host=host, port=port, camera=eye, later=details, views=shown.views)
        return
    from geo3d_viewer.desktop.show import show
    from geo3d_viewer.memory import recalled, remember

    start = recalled(paths) if camera is None else None
    show(scene, pixels, eye, lambda last: remember(paths, last), details, shown.views, start)


def _loaded(paths: tuple[str, ...], color_by: str, split: bool, preview: int | None) -> Shown:
    """The scene of all paths, with a view for each if they are to be apart."""
    from geo3d_viewer.load import load_parts, merged

    parts = load_parts(paths, preview=preview)
    views = tuple((Path(p).name, part.names) for p, part in zip(paths, parts, strict=True)) if split else ()
    return Shown(colored(merged(parts, paths), color_by), views)


def _camera(text: str, paths: tuple[str, ...]) -> Literal["auto"] | ViewCamera:
    if text == "auto":
        return "auto"
    if text == "last":
        from geo3d_viewer.memory import recall

        return recall(paths)
    return ViewCamera.from_json(text)


def _write_snapshot(
    shown: Shown, path: Path, size: tuple[int, int], camera: Literal["auto"] | ViewCamera, as_json: bool
) -> None:
    from geo3d_viewer.snapshots import snapshot, write_image

    layers = ", ".join(layer.name for layer in shown.scene.visible_layers[:12])
    if shown.views:
        image, seen = linked_picture(shown, (max(1, size[0] // len(shown.views)), size[1]), camera)
        write_image(path, image)
        answer = {"snapshot": str(path), "size": f"{image.shape[1]}x{image.shape[0]}", "layers": layers}
        report(answer | {"camera": seen.to_json()}, as_json=as_json)
        return
    shot = snapshot(shown.scene, path, size, camera)
    result = {
        "snapshot": str(shot.path),
        "bytes": shot.path.stat().st_size,
        "size": f"{shot.width}x{shot.height}",
        "layers": layers,
        "coverage": round(shot.coverage, 4),
        "camera": shot.camera.to_json(),
    }
    report(result, as_json=as_json)


def parse_size(text: str) -> tuple[int, int]:
    """Width and height of 'WxH'."""
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise ShapeError(f"--size is WIDTHxHEIGHT in pixels, as 960x720; got '{text}'")
    return int(width), int(height)


def colored(scene: Scene, color_by: str) -> Scene:
    """The scene with every cloud and mesh coloured by this."""
    if color_by == "auto":
        return scene
    return scene.with_layers(
        replace(layer, color_by=color_by) for layer in scene.layers if not isinstance(layer, LineLayer)
    )
