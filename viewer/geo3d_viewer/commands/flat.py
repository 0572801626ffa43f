"""What `geo3d view` shows flat: pictures and films beside their decoded versions, slices of a volume."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from geo3d.console import report
from geo3d.errors import Geo3DError
from geo3d_viewer.linked import Shown


def flat_picture(paths: Sequence[str], snapshot: Path | None, size: tuple[int, int], as_json: bool) -> bool:
    """Write the picture if `paths` name images, or a single volume; tell whether they did.

    The first image is the original, the others are versions of it.  A volume without --snapshot is a surface in a
    scene.
    """
    from geo3d_viewer.costs import cost_of, cost_picture, parse_frame
    from geo3d_viewer.images import image_comparison, is_image, psnr, read_image
    from geo3d_viewer.load import read_any_volume
    from geo3d_viewer.snapshots import write_image
    from geo3d_viewer.videos import is_video

    files = [Path(p) for p in paths]
    result: dict[str, Any] = {}
    if len(paths) == 1 and (frame := parse_frame(paths[0])) is not None:
        if snapshot is None:
            raise Geo3DError("what a frame costs is shown in a picture: give --snapshot OUT.png")
        cost = cost_of(*frame)
        picture = cost_picture(cost)
        write_image(snapshot, picture)
        report({"snapshot": str(snapshot), "frame": cost.name, "bytes": cost.bytes}, as_json=as_json)
        return True
    if snapshot is None:
        return False
    if len(files) > 1 and all(map(is_video, files)):
        _compare_films(files, snapshot, as_json)
        return True
    if files and all(map(is_image, files)):
        original, *others = [read_image(f) for f in files]
        rows = [(f.name, image, f.stat().st_size) for f, image in zip(files[1:], others, strict=True)]
        picture = image_comparison(original, rows)
        result = {"psnr_db": {name: psnr(original, image) for name, image, _ in rows}} if rows else {}
    elif len(files) == 1 and (volume := read_any_volume(files[0])) is not None:
        from geo3d_viewer.volumes import volume_picture

        picture = volume_picture(volume, files[0].name, (size[0] // 2, size[1] // 2))
    else:
        return False
    write_image(snapshot, picture)
    height, width = picture.shape[:2]
    report({"snapshot": str(snapshot), "size": f"{width}x{height}", **result}, as_json=as_json)
    return True


def flat_shown(paths: Sequence[str]) -> Shown | None:
    """What a window or a page shows of pictures or films beside their versions; None if `paths` name anything else."""
    from geo3d_viewer.flat_scene import films_shown, pictures_shown
    from geo3d_viewer.images import is_image
    from geo3d_viewer.videos import is_video

    files = [Path(p) for p in paths]
    if files and all(map(is_image, files)):
        return pictures_shown(files)
    return films_shown(files) if files and all(map(is_video, files)) else None


def _compare_films(files: list[Path], snapshot: Path, as_json: bool) -> None:
    """Write the frame in the middle as a picture, or every frame as a film."""
    from geo3d_viewer.snapshots import write_image
    from geo3d_viewer.videos import compare_videos, comparison_frames, middle_frame, write_comparison

    original, *decoded = files
    found = [compare_videos(original, other) for other in decoded]
    if snapshot.suffix.lower() == ".mp4":
        write_comparison(snapshot, comparison_frames(original, decoded, found))
    else:
        write_image(snapshot, middle_frame(original, decoded, found))
    rows = [
        {"path": str(p), "psnr_db": q.total_db, "least_psnr_db": float(q.psnr_db.min()), "bpp": q.bpp}
        for p, q in zip(decoded, found, strict=True)
    ]
    report({"snapshot": str(snapshot), "frames": len(found[0].psnr_db), "decoded": rows}, as_json=as_json)
