"""`geo3d-data`: RGB-D folders of every layout that the suite reads, scans and `.g3c` files, depth included.

The data are exported to nerfstudio's own layout once, beside them, and read by nerfstudio's own parser.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal

import numpy as np
from nerfstudio.data.dataparsers.base_dataparser import DataparserOutputs
from nerfstudio.data.dataparsers.nerfstudio_dataparser import Nerfstudio, NerfstudioDataParserConfig
from nerfstudio.plugins.registry_dataparser import DataParserSpecification

from geo3d.errors import FormatError
from geo3d.export import export_nerfstudio, open_scan
from geo3d.export.nerfstudio import TRANSFORMS

# Where the exported folder stands in the metadata that a model gets.
FOLDER_KEY, TRANSFORM_KEY, FILES_KEY = "geo3d_folder", "geo3d_transform", "geo3d_files"


@dataclass
class Geo3DDataConfig(NerfstudioDataParserConfig):
    """nerfstudio's settings, and where the exported folder goes."""

    _target: type = field(default_factory=lambda: Geo3DData)
    eval_mode: Literal["fraction", "filename", "interval", "all"] = "interval"
    """Every 8th frame is held out."""
    export: Path | None = None
    """Folder for the exported data (default: beside the data, NAME.nerfstudio)."""


@dataclass
class Geo3DData(Nerfstudio):
    """Exports, then parses."""

    config: Geo3DDataConfig

    def _generate_dataparser_outputs(self, split: str = "train", **kwargs: Any) -> DataparserOutputs:
        folder = exported(Path(self.config.data), self.config.export)
        self.config.data = folder
        outputs = super()._generate_dataparser_outputs(split, **kwargs)
        transform = np.eye(4)
        transform[:3] = outputs.dataparser_transform.numpy()
        outputs.metadata[FOLDER_KEY] = str(folder)
        outputs.metadata[TRANSFORM_KEY] = (transform.tolist(), float(outputs.dataparser_scale))
        outputs.metadata[FILES_KEY] = [Path(p).name for p in outputs.image_filenames]
        return outputs


def exported(data: Path, folder: Path | None = None) -> Path:
    """The data in nerfstudio's layout: `data` itself if it has it, else a folder written once."""
    if data.is_dir() and (data / TRANSFORMS).is_file():
        return data
    if not data.exists():
        raise FormatError(f"--data {data} does not exist")
    target = folder or data.resolve().with_name(f"{data.resolve().name}.nerfstudio")
    if data.is_dir():
        export_nerfstudio(open_scan(data), target)
        return target
    if data.suffix.lower() != ".g3c":
        raise FormatError(f"--data {data}: give an RGB-D folder, the output of a scan, or a .g3c file with frames")
    done = target / TRANSFORMS
    if done.is_file() and done.stat().st_mtime >= data.stat().st_mtime:
        return target
    with tempfile.TemporaryDirectory(prefix="geo3d-") as place:
        unpacked = Path(place) / "frames"
        _unpack(data, unpacked)
        export_nerfstudio(open_scan(unpacked), target)
    return target


def _unpack(path: Path, folder: Path) -> None:
    """`geo3d decompress`, found by its entry point: this package may not import the codecs."""
    for entry in entry_points(group="geo3d.commands", name="decompress"):
        entry.load()(path, output=folder)
        return
    raise FormatError(f"{path}: the package geo3d_compression is not installed")


SPECIFICATION = DataParserSpecification(
    config=Geo3DDataConfig(), description="RGB-D folders, scans and .g3c files of geo3d, with depth."
)
