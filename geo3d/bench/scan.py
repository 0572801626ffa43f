"""`geo3d bench scan`: trajectory error and speed of our scan beside Open3D's RGB-D odometry, in one run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from geo3d.bench import scan_walk
from geo3d.bench.scan_methods import COLUMNS, compared, summary
from geo3d.bench.suite import Row, Suite

FOLDERS = ("reg/box_desk", "reg/redkitchen_kinect")
SAMPLES = Path(__file__).resolve().parents[2] / "samples"


def rows(data: Path | None) -> Iterator[Row]:
    """One row a method and folder."""
    folders = [data / f for f in FOLDERS if (data / f).is_dir()] if data is not None else [SAMPLES / "box_desk"]
    for folder in folders:
        yield from compared(folder)


SUITE: Suite = {
    "description": "RGB-D scans: trajectory error against the given poses, frames a second, memory",
    "columns": COLUMNS,
    "rows": rows,
    "summary": summary,
    "protocols": {"walk": scan_walk.SUITE},
}
