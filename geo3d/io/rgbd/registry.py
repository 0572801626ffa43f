"""Which layout a folder has."""

from __future__ import annotations

from pathlib import Path

from geo3d.errors import FormatError
from geo3d.io.rgbd.colmap import describe_colmap
from geo3d.io.rgbd.dataset import RGBDDataset, RGBDFormat
from geo3d.io.rgbd.frames import FramesFormat
from geo3d.io.rgbd.redwood import RedwoodFormat
from geo3d.io.rgbd.scannet import ScannetFormat
from geo3d.io.rgbd.transforms_json import TransformsFormat
from geo3d.io.rgbd.tum import TumFormat

# In this order: layouts with unmistakable names first.
RGBD_FORMATS: dict[str, RGBDFormat] = {
    "7-scenes": FramesFormat(),
    "tum": TumFormat(),
    "scannet": ScannetFormat(),
    "transforms.json": TransformsFormat(),
    "redwood": RedwoodFormat(),
}


def open_rgbd(folder: str | Path) -> RGBDDataset:
    """Open an RGB-D folder; its layout is told from the files in it.

    Raises `FormatError` that lists the known layouts if none fits, or says what is missing or wrong.
    """
    folder = Path(folder)
    _refuse_recording(folder)
    if not folder.is_dir():
        raise FormatError(f"{folder} is {'a file' if folder.exists() else 'not there'}; an RGB-D input is a folder")
    for layout in RGBD_FORMATS.values():
        if layout.detect(folder):
            dataset = layout.open(folder)
            if not len(dataset):
                raise FormatError(f"{folder} looks like {layout.name}, but holds no frame with depth")
            return dataset
    if (about := describe_colmap(folder)) is not None:
        raise FormatError(about)
    known = "; ".join(f"{layout.name}: {layout.looks_for}" for layout in RGBD_FORMATS.values())
    raise FormatError(f"{folder} has no known RGB-D layout. Known are {known}")


def _refuse_recording(path: Path) -> None:
    """Say how a recording becomes a folder; unpacking is seen and done once, not behind the caller's back."""
    from geo3d.io.rgbd.recordings import RECORDING_FORMATS

    kind = next((k for k in RECORDING_FORMATS.values() if k.detect(path)), None)
    if kind is not None and not any(layout.detect(path) for layout in RGBD_FORMATS.values()):
        raise FormatError(f"{path} is a {kind.name} recording; unpack it first: geo3d export rgbd {path} -o FOLDER")
