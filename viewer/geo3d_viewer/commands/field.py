"""What `geo3d view` does with a radiance field when it is asked for a picture or a film."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from geo3d.console import report
from geo3d.errors import Geo3DError
from geo3d_viewer.camera import ViewCamera


def field_output(
    paths: Sequence[str], snapshot: Path | None, film: Path | None, size: tuple[int, int],
    camera: Literal["auto"] | ViewCamera, as_json: bool,
) -> bool:  # fmt: skip
    """Write what is asked for, if the one path is a field; tell whether that was all."""
    from geo3d_viewer.fields import field_picture, is_field, render_path
    from geo3d_viewer.snapshots import write_image

    if snapshot is None and film is None:
        return False
    if len(paths) != 1 or not is_field(Path(paths[0])):
        if film is not None:
            raise Geo3DError("--render-path needs one radiance field (made by `geo3d reconstruct SCAN --method field`)")
        return False
    from geo3d_recon.field import read_field

    field = read_field(Path(paths[0]))
    result: dict[str, Any] = {}
    if snapshot is not None:
        write_image(snapshot, field_picture(field, size, None if camera == "auto" else camera))
        result |= {"snapshot": str(snapshot), "size": f"{size[0]}x{size[1]}"}
    if film is not None:
        result |= {"film": str(film), "frames": render_path(field, film, size)}
    report(result, as_json=as_json)
    return True
